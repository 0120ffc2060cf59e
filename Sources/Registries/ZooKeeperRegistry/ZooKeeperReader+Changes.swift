internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import Synchronization
internal import Text
internal import ZooKeeper

extension ZooKeeperReader {
    /// Between two reports of what is not carried.
    private static let notesPause = Duration.milliseconds(200)

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.client.run() }
            group.addTask { [notesChanges] in
                for await _ in notesChanges.stream {
                    try? await Task.sleep(for: Self.notesPause)
                    await report(.notesChanged)
                }
            }
            group.addTask { [ruleReads] in
                for await _ in ruleReads.stream { await self.readMissingRules() }
            }
            group.addTask { await self.leftOut.run() }
            for await event in await client.events(where: { [layout] in layout.concerns($0.path) }) {
                await take(event, report)
            }
            group.cancelAll()
        }
    }

    private func take(_ event: ZooKeeperEvent, _ report: @Sendable (RegistryChange) async -> Void) async {
        switch event {
        case .connected(let session):
            state.withLock { $0.connection += 1 }
            await report(
                .connected(details: [
                    "server": "\(session.server)", "session": "0x\(String(session.id, radix: 16))",
                    "resumed": "\(session.isResumed)", "sessionTimeout": "\(session.timeout.readable)",
                ]))
        case .disconnected(let reason):
            await report(.disconnected(reason: reason))
        case .expired:
            logger.warning("registry session expired", metadata: ["effect": "a new session and a full read"])
        case .overflowed:
            await report(.changesLost(reason: "events came faster than they could be taken"))
        case .changed(let event):
            switch watching {
            case .tree: await takeInTree(event, report)
            case .lists: await takeInLists(event, report)
            }
        }
    }

    // MARK: A watch on the tree

    private func takeInTree(_ event: WatchEvent, _ report: @Sendable (RegistryChange) async -> Void) async {
        switch (layout.place(of: event.path), event.kind) {
        case (.root, .created): await report(.outdated(reason: "the root \(layout.fullRoot) was made"))
        case (.root, .deleted): await report(.missing(reason: rootIsMissing))
        case (.provider(let directory, let node), .created):
            for change in providerChanged(directory: directory, node: node, event, isThere: true) {
                await report(change)
            }
        case (.provider(let directory, let node), .deleted):
            for change in providerChanged(directory: directory, node: node, event, isThere: false) {
                await report(change)
            }
        case (.applicationInstance(let application, let id), _):
            await applicationChanged(application, id, event.kind, report)
        case (.rule(let key), _):
            await ruleChanged(key, event.kind)
        case (.interfaceRule(let directory, let node), _):
            guard let directory = InterfaceDirectory(directory) else { return }
            let rule = event.kind == .deleted ? nil : GovernanceRule(node: node)
            state.withLock { $0.unread.set(rule, InstanceKey(node), of: directory.interface) }
            notesChanges.continuation.yield()
        case (.root, _), (.directory, _), (.providers, _), (.provider, _), (.other, _):
            break
        }
    }

    private func providerChanged(
        directory: String, node: String, _ event: WatchEvent, isThere: Bool
    ) -> [RegistryChange] {
        guard let directory = InterfaceDirectory(directory) else { return [] }
        if directory.isRespelled { state.withLock { $0.noteSpelling(of: directory) } }
        let interface = directory.interface
        let key = InstanceKey(node)
        switch decoder.decode(node: node, interface: interface) {
        case .provider(let provider):
            note(key, of: interface, isThere: isThere, provider.leftOut, at: provider.instance.endpoint)
            return provider.services.map { service in
                .instance(
                    InstanceChange(
                        service, key, isThere ? provider.instance : nil, at: provider.instance.endpoint,
                        position: event.sequence))
            }
        case .unusable(let provider):
            note(key, of: interface, isThere: isThere, provider.leftOut, at: provider.endpoint)
            if isThere { warn(interface, unusable: [.init(node: node, reason: provider.reason)]) }
            return isThere ? [] : [.unusableLeft(name: interface, position: event.sequence)]
        case .ignored:
            return []
        }
    }

    private func note(
        _ key: InstanceKey, of interface: String, isThere: Bool, _ leftOut: Set<UnreadRegistrations.Sort>,
        at endpoint: Endpoint?
    ) {
        let mayDiffer = state.withLock { state in
            if !leftOut.isEmpty { state.unread.leaveOut(key, of: interface, isThere ? leftOut : []) }
            guard state.comparesAddresses, let endpoint else { return !leftOut.isEmpty }
            if isThere {
                state.unread.applications.announce(endpoint, of: interface)
            } else {
                state.unread.applications.withdraw(endpoint, of: interface)
            }
            return true
        }
        if mayDiffer { notesChanges.continuation.yield() }
    }

    private func applicationChanged(
        _ application: String, _ id: String, _ kind: WatchEvent.Kind,
        _ report: @Sendable (RegistryChange) async -> Void
    ) async {
        let isFirst = state.withLock { state in
            switch kind {
            case .created: state.unread.apply(.instance(id, application: application, isThere: true))
            case .deleted: state.unread.apply(.instance(id, application: application, isThere: false))
            default: break
            }
            return !state.comparesAddresses && !state.unread.applications.isEmpty
        }
        notesChanges.continuation.yield()
        // The addresses of the provider URLs were not noted.
        if isFirst { await report(.outdated(reason: "the first application has registered")) }
    }

    private func ruleChanged(_ key: String, _ kind: WatchEvent.Kind) async {
        // The next connection begins with a full read, which reads the rules too.
        let rule = kind == .deleted ? nil : (try? await rule(key)) ?? nil
        state.withLock { $0.unread.apply(.rule(rule, key: key)) }
        notesChanges.continuation.yield()
    }

    // MARK: Watches on lists

    private func takeInLists(_ event: WatchEvent, _ report: @Sendable (RegistryChange) async -> Void) async {
        switch layout.place(of: event.path) {
        case .root where event.kind == .created:
            // What was never read completely, or was gone meanwhile, is read as a whole.
            await report(.outdated(reason: "the root \(layout.fullRoot) was made"))
        case .root:
            await reportNewDirectories(report)
        case .providers(let directory):
            guard let directory = InterfaceDirectory(directory) else { return }
            state.withLock { $0.noteSpelling(of: directory) }
            await report(.changed(name: directory.interface))
        case .directory, .provider, .applicationInstance, .rule, .interfaceRule, .other:
            break
        }
    }

    /// The root's list has changed. A directory that went had lost its providers before.
    private func reportNewDirectories(_ report: @Sendable (RegistryChange) async -> Void) async {
        do throws(ZooKeeperError) {
            let (directories, _) = try await listDirectories()
            let new = state.withLock { state in
                defer { state.directories = Set(directories.map(\.name)) }
                for directory in directories { state.noteSpelling(of: directory) }
                return directories.filter { !state.directories.contains($0.name) }
            }
            for interface in Set(new.map(\.interface)).sorted() {
                await report(.changed(name: interface))
            }
        } catch {
            // The next connection begins with a full read.
            if error.cause == .disconnected { return }
            await report(.changesLost(reason: error.description))
        }
    }
}
