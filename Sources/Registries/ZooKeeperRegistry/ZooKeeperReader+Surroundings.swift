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

    /// Reads the rules and the instances that register by application.
    func readSurroundings() async throws(ZooKeeperError) {
        // Events that come from here on are noted in the new state.
        state.withLock { $0.unread = UnreadRegistrations() }
        let rules = try await rules()
        let applications = try await applications()
        state.withLock { state in
            for (key, rule) in rules { state.unread.set(rule, key: key) }
            for (application, ids) in applications {
                for id in ids { state.unread.applications.add(id, of: application) }
            }
            state.comparesAddresses = !state.unread.applications.isEmpty || layout.mayHaveApplications
        }
    }

    private func rules() async throws(ZooKeeperError) -> [String: GovernanceRule] {
        var rules: [String: GovernanceRule] = [:]
        for key in try await children(of: layout.rules) { rules[key] = try await rule(key) }
        return rules
    }

    func rule(_ key: String) async throws(ZooKeeperError) -> GovernanceRule? {
        guard GovernanceRule.needsContent(key: key) else { return GovernanceRule(key: key) { nil } }
        let data = try await tolerating { () throws(ZooKeeperError) in
            try await client.data(of: layout.rules + "/" + key).data
        }
        return GovernanceRule(key: key) { data.map { String(buffer: $0) } }
    }

    private func applications() async throws(ZooKeeperError) -> [String: [String]] {
        guard layout.root != layout.applications else { return [:] }
        var names = try await children(of: layout.applications)[...]
        var applications: [String: [String]] = [:]
        while !names.isEmpty {
            let some = names.prefix(Self.readsUnderWay)
            names = names.dropFirst(Self.readsUnderWay)
            let lists = await withTaskGroup(of: (String, Result<[String], ZooKeeperError>).self) { group in
                for name in some {
                    group.addTask {
                        do throws(ZooKeeperError) {
                            return (name, .success(try await self.children(of: self.layout.applications + "/" + name)))
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

    /// A directory without a list of providers may be an application, in a root that a registry's `group` names.
    func readApplication(in directory: String) async throws(ZooKeeperError) {
        guard layout.mayHaveApplications else { return }
        let instances = try await children(of: layout.path(of: directory)).filter { $0.contains(":") }
        state.withLock { $0.unread.applications.replace(instances, of: directory) }
    }

    /// The rules of an interface from before the configuration centre.
    func interfaceRules(in directory: String) async throws(ZooKeeperError) -> [InstanceKey: GovernanceRule] {
        var rules: [InstanceKey: GovernanceRule] = [:]
        for folder in DubboLayout.ruleFolders {
            for node in try await children(of: layout.path(of: directory) + "/" + folder) {
                rules[InstanceKey(node)] = GovernanceRule(node: node)
            }
        }
        return rules
    }

    private func children(of path: String) async throws(ZooKeeperError) -> [String] {
        try await tolerating { () throws(ZooKeeperError) in
            try await client.childrenInSequence(of: path).children
        } ?? []
    }

    /// What is only counted must not keep the rest from being read. The loss of the connection ends both.
    func tolerating<Value>(
        _ read: () async throws(ZooKeeperError) -> Value?
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
