internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import ZooKeeper

extension RegistryFollower {
    private static let readsUnderWay = 128

    /// A full read: the watch first, then the lists, so that whatever changes in between is told by an event. It is
    /// complete only if every list was answered; a list that is refused concerns its own interface alone.
    mutating func readAll(isNewConnection: Bool) async throws(ZooKeeperError) {
        // The server may lag behind the leader, and what it doesn't know yet must not look removed.
        try await client.sync(layout.root)
        if watching == .tree, isNewConnection { try await client.addWatch(layout.root, mode: .persistentRecursive) }
        let directories = try await listDirectories()
        await emit(.begin)
        var tally = Tally()
        failing = []
        refused = []
        unlisted = []
        unusable = []
        try await readLists(of: directories) { (self, directory, listing) async throws(ZooKeeperError) in
            if let event = try self.event(for: directory, listing, &tally) { await self.emit(event) }
        }
        await emit(.complete)
        readFailingLater()
        if watching == .lists { watchedDirectories = Set(directories) }
        respelled = [:]
        for directory in directories { noteSpelling(of: directory) }
        logger.info(
            "read the registry",
            metadata: [
                "interfaces": "\(tally.interfaces)", "providers": "\(tally.providers)", "unusable": "\(tally.unusable)",
            ])
    }

    private struct Tally {
        var interfaces = 0
        var providers = 0
        var unusable = 0
    }

    /// What a list says, and the number of the reply.
    fileprivate typealias Listing = (nodes: Result<[String], ZooKeeperError>, sequence: UInt64)

    /// The root's children that may be interfaces. Where the root is missing, the watch that tells of its making stands.
    private mutating func listDirectories() async throws(ZooKeeperError) -> [String] {
        let list = try await client.childrenInSequence(of: layout.root, watch: watching == .lists)
        guard let children = list.children else {
            if watching == .lists, try await client.exists(layout.root, watch: true) != nil {
                return try await listDirectories()
            }
            throw ZooKeeperError(.noNode, path: layout.root)
        }
        order.rootWasRead(at: list.sequence)
        return layout.directories(among: children)
    }

    /// Reads the lists of providers, many at once, and hands each over as it comes.
    private mutating func readLists(
        of directories: [String],
        _ take: (inout Self, String, Listing) async throws(ZooKeeperError) -> Void
    ) async throws(ZooKeeperError) {
        typealias Answer = (directory: String, listing: Listing)
        // Not all of this, which changes meanwhile and would be copied then.
        let reader = ListReader(client: client, layout: layout, isWatching: watching == .lists)
        let outcome = await withTaskGroup(of: Answer.self) { group -> Result<Void, ZooKeeperError> in
            var remaining = directories[...]
            func addNext() {
                guard let directory = remaining.popFirst() else { return }
                group.addTask { (directory, await reader.providers(in: directory)) }
            }
            for _ in 0..<Self.readsUnderWay { addNext() }
            while let answer = await group.next() {
                addNext()
                do throws(ZooKeeperError) {
                    try await take(&self, answer.directory, answer.listing)
                } catch {
                    group.cancelAll()
                    return .failure(error)
                }
            }
            return .success(())
        }
        try outcome.get()
    }

    /// What one list says. An error that ends the whole read is thrown.
    private mutating func event(
        for directory: String, _ listing: Listing, _ tally: inout Tally
    ) throws(ZooKeeperError) -> SourceEvent? {
        guard let interface = ProviderDecoder.interface(directory: directory) else { return nil }
        // Only what a persistent watch tells can be older than what was read.
        if watching == .tree { order.wasRead(directory, at: listing.sequence) }
        switch listing.nodes {
        case .failure(let error) where error.isEndOfConnection || error.code == .tooManyRequests:
            throw error
        case .failure(let error):
            logger.error(
                "the providers of an interface can't be read; what was known goes on",
                metadata: ["interface": "\(interface)", "reason": "\(error)"])
            unlisted.insert(directory)
            failing.remove(interface)
            refused.remove(interface)
            if error.mayPass { failing.insert(interface) }
            if error.code == .noAuth { refused.insert(interface) }
            return .unreadable(name: interface, reason: error.description)
        case .success(let nodes):
            failing.remove(interface)
            refused.remove(interface)
            unlisted.remove(directory)
            if nodes.isEmpty {
                unusable.remove(interface)
                return .services(name: interface, [:])
            }
            tally.interfaces += 1
            let event = event(for: interface, nodes: nodes, &tally)
            if case .unreadable = event { unusable.insert(interface) } else { unusable.remove(interface) }
            return event
        }
    }

    private func event(for interface: String, nodes: [String], _ tally: inout Tally) -> SourceEvent {
        var services: SourceEvent.Instances = [:]
        var unusable: [(node: String, reason: String)] = []
        for node in nodes {
            switch decoder.decode(node: node, interface: interface) {
            case .instance(let id, let instance):
                services[id, default: [:]][InstanceKey(node)] = instance
                tally.providers += 1
            case .ignored: break
            case .unusable(let reason): unusable.append((node, reason))
            }
        }
        tally.unusable += unusable.count
        warn(interface, unusable: unusable)
        if services.isEmpty, !unusable.isEmpty {
            return .unreadable(name: interface, reason: "none of its \(unusable.count) providers can be used")
        }
        return .services(name: interface, services)
    }
}

// MARK: - One by one

extension RegistryFollower {
    /// Reads the lists of some names once more, as the ensemble has them and not only a server that may lag behind. A missing
    /// root is no answer to that.
    mutating func reread(names: [String]) async throws(ZooKeeperError) {
        try await client.sync(layout.root)
        guard try await client.exists(layout.root) != nil else { throw ZooKeeperError(.noNode, path: layout.root) }
        try await readListsAgain(of: names)
        readFailingLater()
    }

    /// Several directories of one name give one answer.
    private mutating func readListsAgain(of names: [String]) async throws(ZooKeeperError) {
        var spellings: [String: [String: SourceEvent]] = [:]
        try await readLists(of: names.flatMap { respelled[$0].map(Array.init) ?? [$0] }) {
            (self, directory, listing) async throws(ZooKeeperError) in
            var tally = Tally()
            guard let event = try self.event(for: directory, listing, &tally) else { return }
            guard let interface = ProviderDecoder.interface(directory: directory), let all = self.respelled[interface]
            else { return await self.emit(event) }
            spellings[interface, default: [:]][directory] = event
            if let events = spellings[interface], events.count == all.count {
                await self.emit(.merged(events.sorted { $0.key < $1.key }.map(\.value), of: interface))
            }
        }
    }

    mutating func noteSpelling(of directory: String) {
        guard let interface = ProviderDecoder.interface(directory: directory), interface != directory else { return }
        respelled[interface, default: [interface]].insert(directory)
    }

    func readFailingLater() {
        if !failing.isEmpty { retries.yield(failing) }
        if !refused.isEmpty { refusals.yield(refused) }
    }

    /// The list of this directory, and of others that have the same name.
    mutating func reread(_ directory: String) async throws(ZooKeeperError) {
        noteSpelling(of: directory)
        if let interface = ProviderDecoder.interface(directory: directory) { try await readListsAgain(of: [interface]) }
    }
}

// MARK: - Without persistent watches

extension RegistryFollower {
    /// The root's list has changed: what is new in it is read. A directory that went had lost its providers before.
    mutating func readNewDirectories() async throws(ZooKeeperError) {
        let directories = try await listDirectories()
        for directory in directories where !watchedDirectories.contains(directory) { try await reread(directory) }
        watchedDirectories = Set(directories)
    }
}

extension SourceEvent {
    /// What several directories of one name say. One that can't be read leaves all that is known of the name as it is.
    fileprivate static func merged(_ events: [SourceEvent], of name: String) -> SourceEvent {
        var merged: Instances = [:]
        for event in events {
            switch event {
            case .services(_, let services): merged.merge(services) { $0.merging($1) { $1 } }
            default: return event
            }
        }
        return .services(name: name, merged)
    }
}

/// Reads lists of providers.
private struct ListReader {
    let client: ZooKeeperClient
    let layout: DubboLayout
    /// Whether each list is watched.
    let isWatching: Bool

    /// The providers' znodes; none where the directory has no list of them.
    func providers(in directory: String) async -> RegistryFollower.Listing {
        let path = layout.providers(of: directory)
        do throws(ZooKeeperError) {
            let list = try await client.childrenInSequence(of: path, watch: isWatching)
            if let nodes = list.children { return (.success(nodes), list.sequence) }
            // It may have been made just now, and the watch on its making then never fires.
            if isWatching, try await client.exists(path, watch: true) != nil {
                return await providers(in: directory)
            }
            return (.success([]), list.sequence)
        } catch {
            return (.failure(error), 0)
        }
    }
}
