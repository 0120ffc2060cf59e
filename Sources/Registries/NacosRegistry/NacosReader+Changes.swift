internal import Concurrency
internal import Logging
internal import Nacos
internal import Services
internal import Sources
internal import Synchronization
internal import Text

extension NacosReader {
    /// Between two reports of what is not carried.
    private static let notesPause = Duration.milliseconds(200)

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for (namespace, client) in clients {
                group.addTask { await client.run() }
                group.addTask {
                    await client.watchNames()
                    await client.eachEvent { self.take($0, of: namespace) }
                }
                group.addTask {
                    await self.every(self.intervals.names) { await self.lookForNames(namespace) }
                }
                group.addTask {
                    await self.every(self.intervals.polling) { await self.poll(namespace) }
                }
            }
            group.addTask { await self.believeAbsence() }
            group.addTask { await self.leftOut.run() }
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

    private func every(_ interval: Duration, _ body: () async -> Void) async {
        while true {
            do { try await stopwatch.sleep(for: interval) } catch { return }
            await body()
        }
    }

    // MARK: Events

    func take(_ event: NacosEvent, of namespace: String) {
        switch event {
        case .connected(let connection): connected(connection, of: namespace)
        case .disconnected(let reason): disconnected(reason, of: namespace)
        case .service(let update): pushed(update, of: namespace)
        case .services(let keys, let isComplete): watched(keys, isComplete: isComplete, of: namespace)
        case .serviceAdded(let key):
            state.withLock { state in
                state.watched[namespace]?.keys.insert(key)
                let service = NacosService(namespace: namespace, key: key)
                if selection.includes(key), state.view.add(service) { reportNew([service], &state) }
            }
        case .serviceRemoved(let key):
            // The push about the service says what left.
            state.withLock { _ = $0.watched[namespace]?.keys.remove(key) }
        case .resubscribed, .configChanged, .configs, .configAdded, .configRemoved: break
        }
    }

    private func connected(_ connection: NacosConnection, of namespace: String) {
        let now = stopwatch.elapsed
        let end = state.withLock { state in
            state.connections[namespace] = connection
            state.watched[namespace] = nil
            state.view.connected(namespace, generation: connection.generation, now: now)
            if state.connections.count == clients.count {
                report([.connected(details: details(state.connections))], &state)
            }
            return state.view.waits[namespace]?.end
        }
        if let end { alarms.continuation.yield(end) }
    }

    private func details(_ connections: [String: NacosConnection]) -> [String: String] {
        let first = connections.min { $0.key < $1.key }?.value
        var details = ["server": first.map { "\($0.server)" } ?? ""]
        details["version"] = first?.version
        if connections.count > 1 { details["namespaces"] = connections.keys.sorted().joined(separator: ",") }
        if first?.kind == .http { details["pushes"] = "none: the server is asked every \(intervals.polling.readable)" }
        return details
    }

    private func disconnected(_ reason: String, of namespace: String) {
        state.withLock { state in
            state.connections[namespace] = nil
            state.watched[namespace] = nil
            report(
                [.disconnected(reason: clients.count > 1 ? "namespace \(namespace): \(reason)" : reason)], &state)
        }
        watchedNames.signal()
    }

    private func pushed(_ update: ServiceUpdate, of namespace: String) {
        let service = NacosService(namespace: namespace, key: update.info.key)
        take(update, of: service) { _ in true }
    }

    /// Takes over an answer or a push.
    /// - Parameter isReported: Whether changes of services of this name are reported. Those of a read are its answer.
    func take(_ update: ServiceUpdate, of service: NacosService, reporting isReported: (String) -> Bool) {
        let reading = decoder.decode(service, update.info)
        let now = stopwatch.elapsed
        let warning = state.withLock { state in
            let known = state.view.entries[service]?.unusable
            let changes = state.view.answered(
                service, reading, generation: update.generation, position: update.position, now: now)
            report(changes.filter { $0.name.map(isReported) ?? true }, &state)
            return known != nil && known != reading.unusable ? reading.unusable : []
        }
        if let first = warning.first {
            leftOut.add(
                "\(service)", count: warning.count, reason: "\(first.reason)", example: "\(first.address)")
        }
        notesChanges.continuation.yield()
    }

    private func watched(_ keys: Set<ServiceKey>, isComplete: Bool, of namespace: String) {
        state.withLock { state in
            state.watched[namespace] = WatchedNames(keys: keys, isComplete: isComplete)
            let services = keys.filter(selection.includes).map { NacosService(namespace: namespace, key: $0) }
            reportNew(services.sorted().filter { state.view.add($0) }, &state)
        }
        watchedNames.signal()
    }

    func reportNew(_ services: [NacosService], _ state: inout State) {
        let names = Set(services.flatMap(\.servedNames))
        report(names.sorted().map { .changed(name: $0) }, &state)
    }

    // MARK: Time

    private func believeAbsence() async {
        for await end in alarms.stream {
            try? await stopwatch.sleep(for: end - stopwatch.elapsed)
            if Task.isCancelled { return }
            let now = stopwatch.elapsed
            state.withLock { report($0.view.timePassed(now: now), &$0) }
        }
    }

    /// Asks for every service of a server that has no subscriptions.
    private func poll(_ namespace: String) async {
        let (kind, services) = state.withLock { state in
            let kind = state.connections[namespace]?.kind
            return (kind, kind == .http ? state.view.services.filter { $0.namespace == namespace } : [])
        }
        guard kind == .http, let client = clients[namespace] else { return }
        await withDiscardingTaskGroup { group in
            for lane in 0..<Self.pollsUnderWay {
                group.addTask {
                    for index in stride(from: lane, to: services.count, by: Self.pollsUnderWay) {
                        if Task.isCancelled { return }
                        let service = services[index]
                        // The client tells of a server that can't be reached, and a full read of a service that can't.
                        guard let update = try? await client.query(service.key) else { continue }
                        self.take(update, of: service) { _ in true }
                    }
                }
            }
        }
    }
}

extension RegistryChange {
    /// The name of the service that it is about.
    fileprivate var name: String? {
        switch self {
        case .instance(let change): change.service.name
        case .changed(let name), .unusableLeft(let name, _), .pushed(let name, _): name
        case .connected, .disconnected, .missing, .changesLost, .outdated, .notesChanged: nil
        }
    }
}
