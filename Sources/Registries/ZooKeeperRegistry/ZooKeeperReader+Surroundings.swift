internal import Dubbo
internal import Logging
internal import NIOCore
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

/// What stands beside the interfaces and is not carried into the mesh: it is counted.
extension ZooKeeperReader {
    /// The lists of applications that are read at once.
    private static let readsUnderWay = 64
    /// The interfaces whose rules are listed at once after a full read.
    private static let ruleReadsUnderWay = 4

    /// Reads the rules and the instances that register by application. What can't be read stays as it was.
    /// - Parameter directories: The children of the root.
    func readSurroundings(beside directories: [InterfaceDirectory]) async throws(ZooKeeperError) {
        state.withLock { $0.unread.surroundingsAreRead() }
        let rules = try await rules()
        let applications = try await applications()
        state.withLock { state in
            // In a root that a registry's `group` names, an application is read in the place of an interface.
            let others = layout.mayHaveApplications ? Set(directories.map(\.name)) : []
            state.unread.takeSurroundings(rules: rules, applications: applications, keeping: others)
            state.comparesAddresses = !state.unread.applications.isEmpty || layout.mayHaveApplications
        }
    }

    /// The rules of the configuration centre; `nil` where they can't be listed.
    private func rules() async throws(ZooKeeperError) -> [String: GovernanceRule]? {
        guard let keys = try await children(of: layout.rules) else { return nil }
        var rules: [String: GovernanceRule] = [:]
        for key in keys { rules[key] = try await rule(key) }
        return rules
    }

    /// A rule of the configuration centre: the last known one where its content can't be read, `nil` where there is
    /// none that the mesh would have to follow.
    func rule(_ key: String) async throws(ZooKeeperError) -> GovernanceRule? {
        guard GovernanceRule.needsContent(key: key) else { return GovernanceRule(key: key) { nil } }
        let data = try await tolerating { () throws(ZooKeeperError) -> ByteBuffer? in
            do throws(ZooKeeperError) {
                return try await client.data(of: layout.rules + "/" + key).data
            } catch  where error.code == .noNode {
                return nil
            }
        }
        guard let data else { return state.withLock { $0.unread.rule(key) } }
        return GovernanceRule(key: key) { data.map { String(buffer: $0) } }
    }

    /// The instances of each application; `nil` where the applications can't be listed. Applications whose instances
    /// can't be listed have the last known ones.
    private func applications() async throws(ZooKeeperError) -> [String: [String]]? {
        guard layout.root != layout.applications, var names = try await children(of: layout.applications)?[...] else {
            return nil
        }
        var applications: [String: [String]] = [:]
        while !names.isEmpty {
            let some = names.prefix(Self.readsUnderWay)
            names = names.dropFirst(Self.readsUnderWay)
            let lists = await withTaskGroup(of: (String, Result<[String], ZooKeeperError>).self) { group in
                for name in some {
                    group.addTask {
                        do throws(ZooKeeperError) {
                            let ids = try await self.children(of: self.layout.applications + "/" + name)
                            return (name, .success(ids ?? self.knownInstances(of: name)))
                        } catch {
                            return (name, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for (name, list) in lists { applications[name] = try list.get() }
        }
        return applications
    }

    private func knownInstances(of application: String) -> [String] {
        state.withLock { $0.unread.applications.ids(of: application) }
    }

    /// A directory without a list of providers may be an application, in a root that a registry's `group` names.
    func readApplication(in directory: String) async throws(ZooKeeperError) {
        guard layout.mayHaveApplications else { return }
        guard let children = try await children(of: layout.path(of: directory)) else { return }
        state.withLock { $0.unread.applications.replace(children.filter { $0.contains(":") }, of: directory) }
    }

    /// Reads the rules of an interface from before the configuration centre. Those that can't be listed stay as they
    /// were.
    func readRules(of interface: String) async throws(ZooKeeperError) {
        var rules: [InstanceKey: GovernanceRule] = [:]
        for directory in state.withLock({ $0.directories(of: interface) }) {
            for folder in DubboLayout.ruleFolders {
                guard let nodes = try await children(of: layout.path(of: directory) + "/" + folder) else { return }
                for node in nodes { rules[InstanceKey(node)] = GovernanceRule(node: node) }
            }
        }
        state.withLock { [rules] state in
            state.unread.setRules(rules, of: interface)
            state.withoutRules.remove(interface)
        }
    }

    /// Reads the rules of all interfaces whose rules were not read yet, few at a time. The loss of the connection ends
    /// it: the next one begins with a full read.
    func readMissingRules() async {
        var interfaces = state.withLock { $0.withoutRules.sorted() }[...]
        while !interfaces.isEmpty {
            let some = interfaces.prefix(Self.ruleReadsUnderWay)
            interfaces = interfaces.dropFirst(Self.ruleReadsUnderWay)
            let areRead = await withTaskGroup(of: Bool.self) { group in
                for interface in some {
                    group.addTask { (try? await self.readRules(of: interface)) != nil }
                }
                return await group.reduce(true) { $0 && $1 }
            }
            if !areRead { return }
        }
        notesChanges.continuation.yield()
    }

    /// The children of a znode, none where it is missing; `nil` where they can't be read.
    private func children(of path: String) async throws(ZooKeeperError) -> [String]? {
        try await tolerating { () throws(ZooKeeperError) in
            try await client.childrenInSequence(of: path).children ?? []
        }
    }

    /// What is only counted must not keep the rest from being read. The loss of the connection ends both.
    func tolerating<Value>(
        _ read: () async throws(ZooKeeperError) -> Value
    ) async throws(ZooKeeperError) -> Value? {
        do throws(ZooKeeperError) {
            return try await read()
        } catch {
            if error.cause == .disconnected { throw error }
            logger.debug("surroundings not read", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}
