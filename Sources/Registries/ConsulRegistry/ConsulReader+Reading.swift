internal import Concurrency
internal import Consul
internal import Conventions
internal import Logging
internal import Sources
internal import Synchronization
internal import Text

extension ConsulReader {
    /// The queries of a round that are under way at once.
    private static let roundLimit = 8

    func list() async throws(ReadFailure) -> Listing {
        let connection = try current()
        for scope in selection.scopes {
            let answer: ConsulAnswer<[String: Set<String>]>
            do throws(ConsulError) {
                answer = try await connection.client.services(scope, .leader)
                try noteServers(answer.value, scope)
            } catch {
                throw failure(error, "the services can't be listed")
            }
            listed(answer.value, scope)
        }
        return state.withLock { Listing(names: $0.table.names, position: $0.table.revision) }
    }

    /// Asks the leader for the services that may have the name. When one of them can't be read, neither can the name.
    func read(_ name: String) async throws(ReadFailure) -> Reading {
        let connection = try current()
        let services = state.withLock { state in
            let known = state.table.services(named: name)
            if !known.isEmpty || !selection.includes(name) { return known }
            // The list of names may be older than the wish to read this one.
            let possible = selection.scopes.map { ConsulService(scope: $0, name: name) }
            for service in possible { _ = state.table.add(service, names: [name]) }
            return possible
        }
        for service in services {
            do throws(ConsulError) {
                try await ask(service, .leader, connection, isReported: { $0 != name })
            } catch {
                throw failure(error, "the service '\(service)' can't be read")
            }
        }
        return state.withLock { $0.table.reading(of: name) }
    }

    private func current() throws(ReadFailure) -> Connection {
        guard let connection = state.withLock({ $0.connection }) else {
            throw ReadFailure(.disconnected, reason: "no Consul server answers")
        }
        return connection
    }

    // MARK: Blocking queries

    /// Polls one service after the other, each for as long as it is followed.
    func pollServices(_ connection: Connection) async {
        while !Task.isCancelled {
            let ticket = pollsChanged.ticket
            guard let service = state.withLock({ $0.polls.take() }) else {
                await pollsChanged.wait(after: ticket)
                continue
            }
            await poll(service, connection)
        }
    }

    /// Ends when the service is no longer polled here.
    private func poll(_ service: ConsulService, _ connection: Connection) async {
        while !Task.isCancelled {
            let index = state.withLock { state -> UInt64? in
                if state.table.contains(service) { return state.indexes[service] ?? 0 }
                if state.connection?.generation == connection.generation { state.polls.release(service) }
                return nil
            }
            guard let index else { return }
            let mode = index == 0 ? .leader : ConsulMode.blocking(after: index, wait: intervals.wait)
            if await !asks(service, mode, connection) { return }
            let pause = state.withLock { $0.indexes[service] ?? 0 } == 0 ? intervals.polling : intervals.breath
            try? await stopwatch.sleep(for: pause)
        }
    }

    /// Asks the services that have no connection of their own, whenever instances come or leave, and now and then.
    func sweep(_ connection: Connection) async {
        var isTold = false
        while !Task.isCancelled {
            let ticket = catalogChanged.ticket
            let services = state.withLock { $0.polls.waiting }.sorted()
            if !services.isEmpty, !isTold {
                isTold = true
                logger.notice(
                    "services asked in turn",
                    metadata: [
                        "connections": "\(lanes)", "others": "\(services.count)",
                        "interval": "\(intervals.sweep.readable)",
                        "hint": "raise connections, and limits.http_max_conns_per_client of Consul with it",
                    ])
            }
            await withDiscardingTaskGroup { group in
                for lane in 0..<Self.roundLimit {
                    group.addTask {
                        for index in stride(from: lane, to: services.count, by: Self.roundLimit) {
                            if Task.isCancelled { return }
                            _ = await self.asks(services[index], .stale, connection)
                        }
                    }
                }
            }
            try? await stopwatch.sleep(for: intervals.round)
            _ = await stopwatch.run(within: intervals.sweep) { await self.catalogChanged.wait(after: ticket) }
        }
    }

    /// - Returns: Whether the service goes on being asked here. After a failure the follower reads it, and tells.
    private func asks(_ service: ConsulService, _ mode: ConsulMode, _ connection: Connection) async -> Bool {
        do throws(ConsulError) {
            try await ask(service, mode, connection, isReported: { _ in true })
            return true
        } catch {
            try? await stopwatch.sleep(for: intervals.failure)
            if Task.isCancelled { return false }
            state.withLock { state in
                guard state.connection?.generation == connection.generation else { return }
                // The read may be over before this task goes on.
                state.polls.release(service)
                state.indexes[service] = 0
                report([.changed(name: service.name)], &state)
            }
            return false
        }
    }

    // MARK: Answers

    /// Asks for a service, and takes the answer over.
    /// - Parameter isReported: Whether changes of a name are reported. Those of a read are its answer.
    private func ask(
        _ service: ConsulService, _ mode: ConsulMode, _ connection: Connection, isReported: (String) -> Bool
    ) async throws(ConsulError) {
        let index = state.withLock { $0.indexes[service] ?? 0 }
        var answer = try await connection.client.instances(of: service.name, service.scope, mode)
        // A streamed answer does not say whether it is filtered. The leader's does.
        if answer.index < index || answer.isStreamed, mode != .leader {
            answer = try await connection.client.instances(of: service.name, service.scope, .leader)
        }
        if answer.isFiltered {
            throw ConsulError(
                .forbidden,
                "the token may not see all instances of '\(service)' (service_prefix \"\" and node_prefix \"\" with "
                    + "read)")
        }
        let reading = decoder.decode(service, answer.value)
        let isExpected = state.withLock { state in
            state.table.showsAny(service) || state.listed[service.scope]?.contains(service.name) == true
        }
        if answer.value.isEmpty, isExpected {
            do throws(ReadFailure) {
                try await confirmAbsence(of: service, connection)
            } catch {
                throw ConsulError(error.cause == .refused ? .forbidden : .failed, error.reason)
            }
        }
        let isCurrent = state.withLock { state in
            guard state.connection?.generation == connection.generation else { return false }
            take(reading, answer, of: service, sentAt: index, isReported, &state)
            return true
        }
        guard isCurrent else { throw ConsulError(.disconnected, "another connection began meanwhile") }
        notesChanges.continuation.yield()
    }

    private func take(
        _ reading: RegistrationReading, _ answer: ConsulAnswer<ConsulInstances>, of service: ConsulService,
        sentAt before: UInt64, _ isReported: (String) -> Bool, _ state: inout State
    ) {
        let known = state.indexes[service] ?? 0
        // Another answer came meanwhile, and it is newer.
        if known != before, answer.index < known { return }
        state.indexes[service] = state.table.contains(service) ? answer.index : nil
        let names = state.table.answered(service, reading)
        report(
            names.filter(isReported).map { .pushed(name: $0, state.table.reading(of: $0)) }, &state)
        // A service without instances is polled until its name is no longer listed.
        guard state.table.contains(service), !answer.value.isEmpty || state.table.showsAny(service) else { return }
        state.polls.add(service)
        pollsChanged.signal()
    }
}
