internal import Concurrency
internal import Conventions
internal import Eureka
internal import HTTP
internal import Logging
internal import Sources
internal import Synchronization
internal import Text

extension EurekaReader {
    /// Between two reports of what is not carried.
    private static let notesPause = Duration.milliseconds(200)

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.stayConnected() }
            group.addTask { await self.believeAbsence() }
            group.addTask {
                for await _ in self.notesChanges.stream {
                    try? await self.stopwatch.sleep(for: Self.notesPause)
                    await report(.notesChanged)
                }
            }
            for await _ in pendingChanges.stream {
                for change in takePending() { await report(change) }
            }
            group.cancelAll()
        }
    }

    private func takePending() -> [RegistryChange] {
        state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
    }

    /// Keeps to a server until it fails, then goes to the next one. Each round of all of them makes the pause between
    /// two rounds longer.
    private func stayConnected() async {
        var backoff = Backoff(from: .seconds(1), to: .seconds(30))
        var attempt = 0
        while !Task.isCancelled {
            let server = servers[attempt % servers.count]
            attempt += 1
            let reason: String
            do throws(EurekaError) {
                let client = try await connect(server)
                // It tells whether the server answers at all, and takes the user.
                _ = try await changes(client)
                state.withLock { $0.client = client }
                report(.connected(details: ["server": client.place]))
                backoff.reset()
                reason = await follow(client)
            } catch {
                reason = "\(error)"
            }
            if Task.isCancelled { return }
            state.withLock { $0.client = nil }
            report(.disconnected(reason: "\(server): \(reason)"))
            let isRoundComplete = attempt % servers.count == 0
            try? await stopwatch.sleep(for: isRoundComplete ? backoff.next() : .milliseconds(100))
        }
    }

    /// - Returns: Why the server counts as gone: two requests in a row failed.
    private func follow(_ client: any RegistryClient) async -> String {
        var isRetry = false
        while !Task.isCancelled {
            try? await stopwatch.sleep(for: isRetry ? intervals.retry : intervals.changes)
            do throws(EurekaError) {
                try await refresh(client)
                isRetry = false
            } catch {
                if isRetry { return "\(error)" }
                isRetry = true
            }
        }
        return "the source was stopped"
    }

    /// Asks for what changed, and for everything where that is not all.
    private func refresh(_ client: any RegistryClient) async throws(EurekaError) {
        // Before the first full read there is nothing that changes could belong to.
        if state.withLock({ $0.view.isEmpty }) { return try await readEverything(client, isAnswer: false) }
        guard let document = try await changes(client) else { return try await readEverything(client, isAnswer: false) }
        let isComplete = state.withLock { state in
            let (changed, isComplete) = state.view.take(changes: document)
            report(apply(changed, &state), &state)
            return isComplete
        }
        if !isComplete { try await readEverything(client, isAnswer: false) }
    }

    /// - Returns: `nil` where the server does not tell of changes.
    private func changes(_ client: any RegistryClient) async throws(EurekaError) -> EurekaDocument? {
        do throws(EurekaError) {
            return try await client.changes()
        } catch  where error.code == .unsupported {
            return nil
        }
    }

    /// - Parameter isAnswer: Whether the follower asked, and takes what is read from the table.
    private func readEverything(_ client: any RegistryClient, isAnswer: Bool) async throws(EurekaError) {
        let document = try await client.all()
        let now = stopwatch.elapsed
        let doubt = state.withLock { state -> Duration? in
            if let doubt = state.view.doubt(about: document, from: client.place, now: now) { return doubt }
            state.unreadable = document.unreadable
            let before = state.view.awaited.count
            let changed = state.view.take(all: document, from: client.place, now: now)
            let awaited = state.view.awaited.count
            if awaited > before {
                logger.notice(
                    "absent instances stay for now",
                    metadata: [
                        "count": "\(awaited)", "reason": "the server may have started anew",
                        "for": "\(state.view.absenceDelay.readable)",
                    ])
            }
            report(apply(changed, &state), isAnswered: isAnswer, &state)
            return nil
        }
        guard let doubt, isAnswer else { return }
        throw EurekaError(
            .overloaded,
            "the server has started a moment ago, and clients may not have come back to it yet: it counts in "
                + "\(doubt.readable)")
    }

    // MARK: What the follower asks for

    func list() async throws(ReadFailure) -> Listing {
        let client = try current()
        do throws(EurekaError) {
            try await readEverything(client, isAnswer: true)
        } catch {
            throw failure(error, "the applications can't be read")
        }
        return state.withLock { state in
            let readings = state.table.names.map { ($0, state.table.reading(of: $0)) }
            return Listing(readings: Dictionary(readings) { $1 }, position: state.table.revision)
        }
    }

    /// A server has no answer about one application that is as new as a delta.
    func prepare() async throws(ReadFailure) {
        let client = try current()
        do throws(EurekaError) {
            try await refresh(client)
        } catch {
            throw failure(error, "the applications can't be read")
        }
    }

    func read(_ name: String) async throws(ReadFailure) -> Reading {
        _ = try current()
        return state.withLock { $0.table.reading(of: name) }
    }

    private func current() throws(ReadFailure) -> any RegistryClient {
        guard let client = state.withLock({ $0.client }) else {
            throw ReadFailure(.disconnected, reason: "no Eureka server answers")
        }
        return client
    }

    // MARK: Absence

    private func believeAbsence() async {
        while !Task.isCancelled {
            let ticket = absenceChanged.ticket
            let now = stopwatch.elapsed
            let (end, client) = state.withLock { ($0.view.absenceEnd, $0.client) }
            guard let end, let client else {
                await absenceChanged.wait(after: ticket)
                continue
            }
            if end > now {
                _ = await stopwatch.run(within: end - now) { await self.absenceChanged.wait(after: ticket) }
                continue
            }
            let others = await otherInstances(than: client)
            state.withLock { state in
                let now = stopwatch.elapsed
                guard state.client != nil, state.view.isAbsenceDue(now: now) else { return }
                let gone = state.view.believeAbsence(others: others, now: now)
                logger.info(
                    "absent instances judged",
                    metadata: ["gone": "\(gone.count)", "onOtherServers": "\(state.view.awaited.count)"])
                report(apply(gone, &state), &state)
            }
        }
    }

    /// The instances that another server shows; `nil` where no other one answers.
    private func otherInstances(than client: any RegistryClient) async -> Set<EurekaInstance.Key>? {
        for server in servers where server.description != client.place {
            do throws(EurekaError) {
                return Set(try await connect(server).all().instances.map(\.key))
            } catch {
                logger.debug("other server silent", metadata: ["server": "\(server)", "reason": "\(error)"])
            }
        }
        return nil
    }
}
