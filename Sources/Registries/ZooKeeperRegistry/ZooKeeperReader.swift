internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

/// Reads Dubbo's tree: the lists of providers, and the events of watches.
///
/// A position is the number of a frame among all that the client received.
final class ZooKeeperReader: RegistryReader {
    enum Watching {
        /// One persistent recursive watch on the root (3.6 and later). Its events say everything, since a provider's
        /// whole description is its znode's name: nothing has to be read again.
        case tree
        /// A watch on every list of children, which fires once; the list is then read again.
        case lists
    }

    private struct State {
        var watching: Watching
        /// Connections are counted, since none keeps the watches of the one before.
        var connection = 0
        /// The connection on which the watch on the tree was set.
        var watchedConnection = 0
        /// The directories of interfaces that are not named as one would expect: one name may have several.
        var respelled: [String: Set<String>] = [:]
        /// The directories that the root had when it was last listed; kept only while `watching` is `lists`.
        var directories: Set<String> = []

        mutating func noteSpelling(of directory: String) {
            guard let interface = ProviderDecoder.interface(directory: directory), interface != directory
            else { return }
            respelled[interface, default: [interface]].insert(directory)
        }
    }

    private let client: ZooKeeperClient
    private let layout: DubboLayout
    private let decoder: ProviderDecoder
    private let logger: Logger
    private let state: Mutex<State>

    init(
        client: ZooKeeperClient, layout: DubboLayout, decoder: ProviderDecoder, watching: Watching, logger: Logger
    ) {
        self.client = client
        self.layout = layout
        self.decoder = decoder
        self.logger = logger
        state = Mutex(State(watching: watching))
    }

    private var watching: Watching { state.withLock { $0.watching } }
}

// MARK: - Reading

extension ZooKeeperReader {
    /// The watch comes first and then the lists: an event tells what changes in between.
    func list() async throws(ReadFailure) -> Listing {
        do throws(ZooKeeperError) {
            // The server may lag behind the leader. What it doesn't know yet must not look removed.
            try await client.sync(layout.root)
            try await watchTree()
            let (directories, position) = try await listDirectories()
            let names = state.withLock { state in
                state.respelled = [:]
                for directory in directories { state.noteSpelling(of: directory) }
                state.directories = state.watching == .lists ? Set(directories) : []
                return Set(directories.compactMap(ProviderDecoder.interface(directory:)))
            }
            return Listing(names: names.sorted(), position: position)
        } catch {
            throw failure(error)
        }
    }

    /// Sets the watch on the tree where the connection doesn't have it.
    private func watchTree() async throws(ZooKeeperError) {
        let (watching, connection, isWatched) = state.withLock {
            ($0.watching, $0.connection, $0.watchedConnection == $0.connection)
        }
        guard watching == .tree, !isWatched else { return }
        do throws(ZooKeeperError) {
            try await client.addWatch(layout.root, mode: .persistentRecursive)
            state.withLock { $0.watchedConnection = connection }
        } catch  where error.isFeatureMissing {
            logger.notice("registry without persistent watches", metadata: ["effect": "each list is watched"])
            state.withLock { $0.watching = .lists }
        }
    }

    /// The root's children that may be interfaces. Where the root is missing, the watch on its creation stands.
    private func listDirectories() async throws(ZooKeeperError) -> ([String], Position) {
        let isWatchingLists = watching == .lists
        let list = try await client.childrenInSequence(of: layout.root, watch: isWatchingLists)
        if let children = list.children { return (layout.directories(among: children), list.sequence) }
        if isWatchingLists, try await client.exists(layout.root, watch: true) != nil {
            return try await listDirectories()
        }
        throw ZooKeeperError(.noNode, path: layout.root)
    }

    /// The lists of single names count as the ensemble has them, too. A missing root says nothing of them.
    func prepare() async throws(ReadFailure) {
        do throws(ZooKeeperError) {
            try await client.sync(layout.root)
            guard try await client.exists(layout.root) != nil else { throw ZooKeeperError(.noNode, path: layout.root) }
        } catch {
            throw failure(error)
        }
    }

    /// Several directories of one name give one answer. When one of them can't be read, neither can the name.
    func read(_ name: String) async throws(ReadFailure) -> Reading {
        let (directories, watching) = state.withLock {
            ($0.respelled[name].map { $0.sorted() } ?? [name], $0.watching)
        }
        var providers = ProviderList()
        // Only events of the watch on the tree can be older than what was read.
        var oldest = watching == .tree ? Position.max : nil
        for directory in directories {
            do throws(ZooKeeperError) {
                let (nodes, position) = try await nodes(in: directory, watch: watching == .lists)
                for node in nodes { providers.add(node, decoder.decode(node: node, interface: name)) }
                oldest = oldest.map { min($0, position) }
            } catch {
                throw failure(error)
            }
        }
        warn(name, unusable: providers.unusable)
        return Reading(providers.content, unusableCount: providers.unusable.count, position: oldest)
    }

    /// The providers' znodes; none where the directory has no list of them.
    private func nodes(in directory: String, watch: Bool) async throws(ZooKeeperError) -> ([String], Position) {
        let path = layout.providers(of: directory)
        let list = try await client.childrenInSequence(of: path, watch: watch)
        if let nodes = list.children { return (nodes, list.sequence) }
        // The list may have been made just now, and the watch on its creation then never fires.
        if watch, try await client.exists(path, watch: true) != nil {
            return try await self.nodes(in: directory, watch: watch)
        }
        return ([], list.sequence)
    }

    private func failure(_ error: ZooKeeperError) -> ReadFailure {
        if error.code == .noNode { return ReadFailure(.missing, reason: rootIsMissing) }
        return ReadFailure(error.cause, reason: error.description)
    }

    private var rootIsMissing: String {
        "there is no znode \(layout.root); a missing root is never taken for an empty registry. Check the root's name; "
            + "reading starts by itself when it is made"
    }

    private func warn(_ interface: String, unusable: [ProviderList.Unusable]) {
        guard let first = unusable.first else { return }
        logger.warning(
            "providers left out",
            metadata: [
                "interface": "\(interface)", "count": "\(unusable.count)", "reason": "\(first.reason)",
                "provider": "\(ProviderDecoder.withoutSecrets(node: first.node))",
            ])
    }
}

// MARK: - Changes

extension ZooKeeperReader {
    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.client.run() }
            for await event in await client.events(where: { [layout] in layout.concerns($0.path) }) {
                await take(event, report)
            }
        }
    }

    private func take(_ event: ZooKeeperEvent, _ report: @Sendable (RegistryChange) async -> Void) async {
        switch event {
        case .connected(let session):
            state.withLock { $0.connection += 1 }
            await report(
                .connected(details: [
                    "server": "\(session.server)", "session": "0x\(String(session.id, radix: 16))",
                    "resumed": "\(session.isResumed)", "sessionTimeout": "\(Int(session.timeout / .milliseconds(1)))ms",
                ]))
        case .disconnected(let reason):
            await report(.disconnected(reason: reason))
        case .expired:
            logger.warning("registry session expired", metadata: ["effect": "a new session and a full read"])
        case .overflowed:
            await report(.changesLost(reason: "events came faster than they could be taken"))
        case .changed(let event):
            switch watching {
            case .tree: if let change = changeInTree(event) { await report(change) }
            case .lists: await takeInLists(event, report)
            }
        }
    }

    private func changeInTree(_ event: WatchEvent) -> RegistryChange? {
        switch (layout.place(of: event.path), event.kind) {
        case (.root, .created): .changesLost(reason: "the root \(layout.root) was made")
        case (.root, .deleted): .missing(reason: rootIsMissing)
        case (.provider(let directory, let node), .created):
            providerChanged(directory: directory, node: node, event, isThere: true)
        case (.provider(let directory, let node), .deleted):
            providerChanged(directory: directory, node: node, event, isThere: false)
        case (.root, _), (.directory, _), (.providers, _), (.provider, _), (.other, _): nil
        }
    }

    private func providerChanged(
        directory: String, node: String, _ event: WatchEvent, isThere: Bool
    ) -> RegistryChange? {
        guard let interface = ProviderDecoder.interface(directory: directory) else { return nil }
        if interface != directory { state.withLock { $0.noteSpelling(of: directory) } }
        switch decoder.decode(node: node, interface: interface) {
        case .instance(let id, let instance):
            return .instance(
                InstanceChange(id, InstanceKey(node), isThere ? instance : nil, position: event.sequence))
        case .unusable(let reason):
            if isThere { warn(interface, unusable: [.init(node: node, reason: reason)]) }
            return isThere ? nil : .unusableLeft(name: interface, position: event.sequence)
        case .ignored:
            return nil
        }
    }

    private func takeInLists(_ event: WatchEvent, _ report: @Sendable (RegistryChange) async -> Void) async {
        switch layout.place(of: event.path) {
        case .root where event.kind == .created:
            // What was never read completely, or was gone meanwhile, is read as a whole.
            await report(.changesLost(reason: "the root \(layout.root) was made"))
        case .root:
            await reportNewDirectories(report)
        case .providers(let directory):
            state.withLock { $0.noteSpelling(of: directory) }
            guard let interface = ProviderDecoder.interface(directory: directory) else { return }
            await report(.changed(name: interface))
        case .directory, .provider, .other:
            break
        }
    }

    /// The root's list has changed. A directory that went had lost its providers before.
    private func reportNewDirectories(_ report: @Sendable (RegistryChange) async -> Void) async {
        do throws(ZooKeeperError) {
            let (directories, _) = try await listDirectories()
            let new = state.withLock { state in
                defer { state.directories = Set(directories) }
                for directory in directories { state.noteSpelling(of: directory) }
                return directories.filter { !state.directories.contains($0) }
            }
            for interface in Set(new.compactMap(ProviderDecoder.interface(directory:))).sorted() {
                await report(.changed(name: interface))
            }
        } catch {
            // The next connection begins with a full read.
            if error.cause == .disconnected { return }
            await report(.changesLost(reason: error.description))
        }
    }
}

/// The providers of one interface.
private struct ProviderList {
    struct Unusable {
        var node: String
        var reason: String
    }

    private var services: SourceEvent.Instances = [:]
    private(set) var unusable: [Unusable] = []

    mutating func add(_ node: String, _ outcome: ProviderDecoder.Outcome) {
        switch outcome {
        case .instance(let id, let instance): services[id, default: [:]][InstanceKey(node)] = instance
        case .ignored: break
        case .unusable(let reason): unusable.append(Unusable(node: node, reason: reason))
        }
    }

    var content: Reading.Content {
        services.isEmpty && !unusable.isEmpty
            ? .unusable(reason: "none of its \(unusable.count) providers can be used") : .services(services)
    }
}

extension ZooKeeperError {
    fileprivate var cause: ReadFailure.Cause {
        switch code {
        case .connectionLoss, .closed, .cancelled, .sessionExpired, .sessionMoved: .disconnected
        case .tooManyRequests: .overloaded
        case .noAuth: .refused
        case .replyTooLarge: .lasting
        default: .passing
        }
    }

    /// How servers before 3.6, and those with another watch manager, answer `addWatch`.
    fileprivate var isFeatureMissing: Bool { code == .unimplemented || code == .marshallingError }
}
