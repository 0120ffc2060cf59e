internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

extension ZooKeeperReader {
    /// The watch comes first and then the lists: an event tells what changes in between.
    func list() async throws(ReadFailure) -> Listing {
        do throws(ZooKeeperError) {
            // The server may lag behind the leader. What it doesn't know yet must not look removed.
            try await client.sync(layout.root)
            try await watchTrees()
            let (directories, position) = try await listDirectories()
            try await readSurroundings(beside: directories)
            let names = state.withLock { $0.listed(directories) }
            return Listing(names: names.sorted(), position: position)
        } catch {
            throw failure(error)
        }
    }

    /// Sets the watches on the trees where the connection doesn't have them.
    private func watchTrees() async throws(ZooKeeperError) {
        let (watching, connection, isWatched) = state.withLock {
            ($0.watching, $0.connection, $0.watchedConnection == $0.connection)
        }
        guard watching == .tree, !isWatched else { return }
        do throws(ZooKeeperError) {
            try await client.addWatch(layout.root, mode: .persistentRecursive)
        } catch  where error.isFeatureMissing {
            logger.notice("registry without persistent watches", metadata: ["effect": "each list is watched"])
            state.withLock { $0.watching = .lists }
            return
        }
        for tree in layout.surroundings {
            _ = try await tolerating { () throws(ZooKeeperError) in
                try await client.addWatch(tree, mode: .persistentRecursive)
            }
        }
        state.withLock { $0.watchedConnection = connection }
    }

    /// The root's children that may be interfaces. Where the root is missing, the watch on its creation stands.
    func listDirectories() async throws(ZooKeeperError) -> ([InterfaceDirectory], Position) {
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
        let (directories, watching, lacksRules) = state.withLock {
            ($0.directories(of: name), $0.watching, $0.withoutRules.contains(name))
        }
        defer { if state.withLock({ $0.answered(name) }) { ruleReads.continuation.yield() } }
        var providers = ProviderList()
        // Only events of the watch on the tree can be older than what was read.
        var oldest = watching == .tree ? Position.max : nil
        do throws(ZooKeeperError) {
            var created: [InstanceKey: Int64] = [:]
            for directory in directories {
                let (nodes, position) = try await nodes(in: directory, watch: watching == .lists)
                for node in nodes { providers.add(node, decoder.decode(node: node, interface: name)) }
                oldest = oldest.map { min($0, position) }
                guard providers.hasRepetitions || directories.count > 1 else { continue }
                for node in nodes where isRepeated(node, of: name, in: providers) {
                    let path = layout.providers(of: directory) + "/" + node
                    created[InstanceKey(node)] = try await client.exists(path)?.creationZxid
                }
            }
            providers.order(created: created)
            if lacksRules, !readsRulesLast { try await readRules(of: name) }
        } catch {
            throw failure(error)
        }
        warn(name, unusable: providers.unusable)
        state.withLock { $0.note(providers, of: name) }
        notesChanges.continuation.yield()
        return Reading(providers.content, unusableCount: providers.unusable.count, position: oldest)
    }

    private func isRepeated(_ node: String, of interface: String, in providers: ProviderList) -> Bool {
        guard case .provider(let provider) = decoder.decode(node: node, interface: interface) else { return false }
        return providers.isRepeated(provider)
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
        try await readApplication(in: directory)
        return ([], list.sequence)
    }

    private func failure(_ error: ZooKeeperError) -> ReadFailure {
        if error.code == .noNode { return ReadFailure(.missing, reason: rootIsMissing) }
        return ReadFailure(error.cause, reason: error.description)
    }
}

extension ZooKeeperError {
    /// How servers before 3.6, and those with another watch manager, answer `addWatch`.
    fileprivate var isFeatureMissing: Bool { code == .unimplemented || code == .marshallingError }
}
