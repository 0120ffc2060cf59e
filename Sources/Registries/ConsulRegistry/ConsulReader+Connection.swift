internal import Addressing
internal import Concurrency
internal import Consul
internal import Conventions
internal import HTTP
internal import Logging
internal import Sources
internal import Synchronization

extension ConsulReader {
    /// Between two reports of what is not carried.
    private static let notesPause = Duration.milliseconds(200)
    /// A connection that lasted longer than this proves its server.
    private static let provingTime = Duration.seconds(10)
    /// The services that are asked for as witnesses where the token does not see the servers' own service.
    private static let witnessLimit = 3

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.stayConnected() }
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

    /// Goes from server to server. Each round of all of them makes the pause between two rounds longer.
    private func stayConnected() async {
        var backoff = Backoff(from: .seconds(1), to: .seconds(30))
        var attempt = 0
        while !Task.isCancelled {
            let server = servers[attempt % servers.count]
            attempt += 1
            let reason: String
            do throws(ConsulError) {
                let connection = try await open(server)
                let start = stopwatch.elapsed
                reason = await serve(connection)
                if stopwatch.elapsed - start > Self.provingTime { backoff.reset() }
            } catch {
                reason = "\(error)"
            }
            if Task.isCancelled { return }
            state.withLock { state in
                state.connection = nil
                state.polls.removeAll()
                report([.disconnected(reason: "\(server.address): \(reason)")], &state)
            }
            let isRoundComplete = attempt % servers.count == 0
            try? await stopwatch.sleep(for: isRoundComplete ? backoff.next() : .milliseconds(100))
        }
    }

    /// Asks a server for all names, and makes sure that the token sees what is there.
    private func open(_ server: HTTPServer) async throws(ConsulError) -> Connection {
        let client = try await connect(server)
        var connection = Connection(generation: 0, client: client, indexes: [:])
        for scope in selection.scopes {
            let answer = try await client.services(scope, .leader)
            connection.indexes[scope] = answer.index
            try noteServers(answer.value, scope)
            try await check(answer.value, scope, client)
        }
        return state.withLock { state in
            state.connectionCount += 1
            connection.generation = state.connectionCount
            state.connection = connection
            state.polls.removeAll()
            state.indexes = [:]
            report([.connected(details: details(connection, seesServers: !state.serverScopes.isEmpty))], &state)
            return connection
        }
    }

    /// - Throws: `ConsulError` with `forbidden` where the servers' own service is not shown any more.
    func noteServers(_ names: [String: Set<String>], _ scope: ConsulScope) throws(ConsulError) {
        let isShown = names[ConsulService.ofServers] != nil
        let wasShown = state.withLock { state in
            if isShown { state.serverScopes.insert(scope) }
            return state.serverScopes.contains(scope)
        }
        if isShown || !wasShown { return }
        throw ConsulError(
            .forbidden,
            "Consul does not even show its own service '\(ConsulService.ofServers)' any more: the token lost its rights "
                + "(service_prefix \"\" with read)")
    }

    /// A name has at least one instance. So a server that lists none, or shows no instance of any, shows too little.
    private func check(
        _ names: [String: Set<String>], _ scope: ConsulScope, _ client: any CatalogClient
    ) async throws(ConsulError) {
        let place = scope.description.isEmpty ? "" : " of \(scope)"
        // The servers' own service is in the default namespace and partition only.
        if names.isEmpty {
            if scope.namespace ?? "default" != "default" || scope.partition ?? "default" != "default" { return }
            throw ConsulError(
                .forbidden,
                "the catalog\(place) is empty, and does not even have Consul's own service: the token, or the "
                    + "anonymous one, may read nothing (service_prefix \"\" and node_prefix \"\" with read)")
        }
        let witnesses =
            names[ConsulService.ofServers] != nil
            ? [ConsulService.ofServers] : Array(names.keys.sorted().prefix(Self.witnessLimit))
        for witness in witnesses where try await !client.instances(of: witness, scope, .leader).value.isEmpty {
            return
        }
        throw ConsulError(
            .forbidden,
            "the catalog\(place) has names but shows no instance of them: the token may read no node "
                + "(node_prefix \"\" with read)")
    }

    private func details(_ connection: Connection, seesServers: Bool) -> [String: String] {
        var details = ["server": connection.client.place]
        let scopes = selection.scopes.map(\.description).filter { !$0.isEmpty }
        if !scopes.isEmpty { details["scopes"] = scopes.joined(separator: ",") }
        if !seesServers { details["rights"] = "the token sees a part of the catalog" }
        return details
    }

    /// - Returns: Why the server counts as gone.
    private func serve(_ connection: Connection) async -> String {
        await withTaskGroup(of: String?.self) { group in
            for scope in selection.scopes {
                group.addTask { await self.followNames(scope, connection) }
            }
            for _ in 0..<lanes {
                group.addTask {
                    await self.pollServices(connection)
                    return nil
                }
            }
            group.addTask {
                await self.sweep(connection)
                return nil
            }
            // The others end when the task is cancelled only.
            let reason = await group.next() ?? nil
            group.cancelAll()
            return reason ?? "the source was stopped"
        }
    }

    /// Follows the names of a scope until two queries in a row failed, the second of which did not block.
    private func followNames(_ scope: ConsulScope, _ connection: Connection) async -> String? {
        var index = BlockingIndex()
        _ = index.answered(connection.indexes[scope] ?? 0)
        var isRetry = false
        while !Task.isCancelled {
            let mode = index.value == 0 ? .leader : ConsulMode.blocking(after: index.value, wait: intervals.wait)
            do throws(ConsulError) {
                let answer = try await connection.client.services(scope, mode)
                try noteServers(answer.value, scope)
                isRetry = false
                guard index.answered(answer.index) == .taken else { continue }
                listed(answer.value, scope)
                catalogChanged.signal()
                try? await stopwatch.sleep(for: index.value == 0 ? intervals.polling : intervals.breath)
            } catch {
                if isRetry { return "\(error)" }
                isRetry = true
                index.failed()
            }
        }
        return nil
    }

    /// Takes over all names of a scope.
    func listed(_ names: [String: Set<String>], _ scope: ConsulScope) {
        let services = Set(
            names.filter { selection.includes($0.key, tags: $0.value) }.keys.map {
                ConsulService(scope: scope, name: $0)
            })
        state.withLock { state in
            state.table.beginList()
            state.listed[scope] = Set(names.keys)
            var changed: Set<String> = []
            for service in services.sorted() {
                let isNew = state.table.add(service, names: [service.name])
                // A name of which no instance is known has one now.
                if isNew
                    || state.table.contains(service) && !state.table.showsAny(service)
                        && !state.polls.contains(service)
                {
                    changed.insert(service.name)
                }
            }
            for service in state.table.services where service.scope == scope && !services.contains(service) {
                if state.table.showsAny(service) {
                    // The answer about the service itself says what left.
                    if !state.polls.contains(service) { changed.insert(service.name) }
                } else {
                    state.table.forget(service)
                    state.polls.stopWaiting(service)
                    state.indexes[service] = nil
                }
            }
            report(changed.sorted().map { .changed(name: $0) }, &state)
        }
        notesChanges.continuation.yield()
    }

    // MARK: Rights

    /// - Throws: `ReadFailure` where it is in doubt that a service has no instance any more.
    func confirmAbsence(of service: ConsulService, _ connection: Connection) async throws(ReadFailure) {
        let visible: VisibleCatalog
        do throws(ConsulError) {
            visible = try await rights.look { () throws(ConsulError) in try await self.look(connection) }
        } catch {
            throw failure(error, "whether '\(service)' has really no instance any more can't be told")
        }
        if let doubt = visible.doubt(about: service, servers: state.withLock({ $0.serverScopes })) { throw doubt }
    }

    private func look(_ connection: Connection) async throws(ConsulError) -> VisibleCatalog {
        let client = connection.client
        var visible = VisibleCatalog()
        for scope in selection.scopes {
            visible.names[scope] = Set(try await client.services(scope, .leader).value.keys)
        }
        var witnesses = state.withLock(\.serverScopes).map {
            ConsulService(scope: $0, name: ConsulService.ofServers)
        }
        if witnesses.isEmpty {
            let shown = state.withLock { $0.table.shownServices }
            witnesses = Array(
                shown.lazy.filter { visible.names[$0.scope]?.contains($0.name) == true }.prefix(Self.witnessLimit))
            if client.hasToken { visible.knowsToken = try await client.knowsToken() }
        }
        for witness in witnesses {
            let answer = try await client.instances(of: witness.name, witness.scope, .leader)
            visible.witnesses[witness] = !answer.value.isEmpty
        }
        return visible
    }
}
