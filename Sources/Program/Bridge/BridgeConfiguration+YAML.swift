internal import Addressing
internal import Catalog
internal import FoundationEssentials
internal import Kubernetes
internal import Translation
internal import ZooKeeper

extension BridgeConfiguration {
    /// Reads a configuration file; `docs/configuration.md` lists its keys.
    ///
    /// - Parameters:
    ///   - file: The file's name, for errors.
    /// - Throws: `ConfigurationError` for anything that can't be meant, `KubernetesError` for a kubeconfig that can't be used.
    package init(yaml text: String, file: String) throws {
        let reader = try YAMLReader(text, file: file)
        try reader.check(ConfigurationKey.all)
        registries = try Self.registries(reader)
        directory = try reader.mapping("delivery")?.mapping("directory")?.string("path")
        isPaced = try reader.mapping("delivery")?.word("pacing") != "off"
        clusters = try Self.clusters(reader)
        let namespace = clusters.first?.configuration.namespace ?? "default"
        translation = try Self.translation(reader, namespace: namespace)
        removals = try Self.removals(reader)
        leadership = try Self.leadership(reader)
        admin = try Admin(reader)
        statePath = try Self.statePath(reader) ?? defaultStatePath
    }

    private static func statePath(_ reader: YAMLReader) throws(ConfigurationError) -> String? {
        guard let state = try reader.mapping("state"), let path = try state.string("path") else { return nil }
        if path.isEmpty || path.hasSuffix("/") { throw state.failure("path", "must be the path of a file") }
        return path
    }

    /// A cluster's objects tell what the bridge has to know of its past; files, which anybody may edit or lose, are no such
    /// memory. The name is one that `FileDelivery` passes over, and each instance has its own.
    private var defaultStatePath: String? {
        guard clusters.isEmpty, let directory else { return nil }
        return "\(directory)/.isthmus-\(translation.instance).state"
    }

    private static func registries(_ reader: YAMLReader) throws(ConfigurationError) -> [Registry] {
        guard let entries = try reader.mappings("registries"), !entries.isEmpty else {
            throw reader.failure("registries", "at least one is needed, or there is nothing to watch")
        }
        var registries: [Registry] = []
        for entry in entries {
            let registry = try registry(entry)
            if registries.contains(where: { $0.name == registry.name }) {
                throw entry.failure("name", "another registry is called '\(registry.name)' too")
            }
            registries.append(registry)
        }
        return registries
    }

    private static func registry(_ entry: YAMLReader) throws(ConfigurationError) -> Registry {
        guard let name = try entry.string("name"), !name.isEmpty, !name.contains(",") else {
            throw entry.failure("name", "must not be empty or have commas")
        }
        guard let zooKeeper = try entry.mapping("zookeeper") else {
            throw entry.failure("zookeeper", "must be a mapping")
        }
        guard let servers = try zooKeeper.strings("servers"), !servers.isEmpty else {
            throw zooKeeper.failure("servers", "at least one HOST:PORT is needed")
        }
        var registry = Registry(name: name, servers: try connectionString(servers, zooKeeper))
        if let timeout = try zooKeeper.duration("sessionTimeout") { registry.sessionTimeout = timeout }
        guard registry.sessionTimeout >= .seconds(1) else {
            throw zooKeeper.failure("sessionTimeout", "must be at least 1s")
        }
        if let limit = try zooKeeper.bytes("replyLimit") { registry.replyLimit = limit }
        if let section = try zooKeeper.mapping("tls") { registry.tls = try tls(section, zooKeeper) }
        if let digest = try zooKeeper.mapping("digest") {
            let user = try digest.string("user") ?? ""
            if user.isEmpty || user.contains(":") { throw digest.failure("user", "must be a name without ':'") }
            registry.credentials = [.digest(user: user, password: try password(digest))]
        }
        if let dubbo = try zooKeeper.mapping("dubbo") {
            registry.root = try dubbo.string("root") ?? registry.root
            guard registry.root.hasPrefix("/"), registry.root == "/" || !registry.root.hasSuffix("/") else {
                throw dubbo.failure("root", "must be a path such as /dubbo")
            }
        }
        return registry
    }

    /// Reads the files once, so that a wrong one is told of at the start.
    private static func tls(_ section: YAMLReader, _ parent: YAMLReader) throws(ConfigurationError) -> TLS {
        var tls = TLS(certificateAuthority: try section.string("caFile").map { .file($0) })
        switch (try section.string("certificateFile"), try section.string("keyFile")) {
        case (let certificate?, let key?):
            tls.identity = TLS.Identity(certificateChain: .file(certificate), privateKey: .file(key))
        case (nil, nil): break
        case (_?, nil): throw section.failure("certificateFile", "needs its keyFile")
        case (nil, _?): throw section.failure("keyFile", "needs its certificateFile")
        }
        tls.serverName = try section.string("serverName")
        tls.verifiesHostName = section.word("verifyHostName") != "off"
        do throws(ZooKeeperError) {
            try tls.validate()
        } catch {
            throw parent.failure("tls", "can't be used: \(error.message)")
        }
        return tls
    }

    private static func password(_ reader: YAMLReader) throws(ConfigurationError) -> String {
        let text: String
        switch try SecretPlace(reader, "password") {
        case .file(let file):
            text = try Self.text(of: file)
        case .environment(let variable):
            guard let value = ProcessInfo.processInfo.environment[variable] else {
                throw reader.failure("passwordEnv", "there is no environment variable '\(variable)'")
            }
            text = value
        case .none:
            throw reader.failure("user", "has no password: give passwordFile or passwordEnv")
        }
        // Editors end a file with a line break, which no password has.
        let password = text.drop { $0.isNewline }.prefix { !$0.isNewline }
        if password.isEmpty { throw reader.failure("user", "has an empty password") }
        return String(password)
    }

    private static func connectionString(
        _ servers: [String], _ reader: YAMLReader
    ) throws(ConfigurationError) -> ConnectionString {
        do throws(ZooKeeperError) {
            return try ConnectionString(servers.joined(separator: ","))
        } catch {
            throw reader.failure("servers", error.message)
        }
    }

    private static func clusters(_ reader: YAMLReader) throws -> [Cluster] {
        let delivery = try reader.mapping("delivery")
        guard let entries = try delivery?.mappings("kubernetes") else {
            if try delivery?.mapping("directory") != nil { return [] }
            return [Cluster(name: "default", configuration: try .detect(kubeconfig: nil, context: nil))]
        }
        var clusters: [Cluster] = []
        for entry in entries {
            let context = try entry.string("context")
            let cluster = Cluster(
                name: context ?? "default",
                configuration: try .detect(kubeconfig: try entry.string("kubeconfig"), context: context))
            if clusters.contains(where: { $0.name == cluster.name }) {
                throw entry.failure("context", "another cluster has the context '\(cluster.name)' too")
            }
            clusters.append(cluster)
        }
        guard !clusters.isEmpty else { throw reader.failure("delivery", "kubernetes: names no cluster") }
        return clusters
    }
}

// MARK: - Translation

extension BridgeConfiguration {
    private static func translation(
        _ reader: YAMLReader, namespace: String
    ) throws(ConfigurationError) -> TranslationPolicy {
        var policy = TranslationPolicy(namespace: namespace)
        if let instance = try reader.string("instance") { policy.instance = instance }
        if let problem = policy.instanceProblem { throw reader.failure("instance", problem) }
        guard let section = try reader.mapping("translation") else { return policy }
        if let namespace = try section.string("namespace") { policy.namespace = namespace }
        if let problem = policy.namespaceProblem { throw section.failure("namespace", problem) }
        if let exports = try section.strings("exportTo") { policy.exportTo = exports }
        if let retention = try section.duration("emptyRetention") { policy.emptyRetention = retention }
        if let hosts = try section.strings("allowedHosts") { policy.allowedHosts = hosts }
        if let domain = try section.string("clusterDomain") { policy.clusterDomain = domain }
        if let choice = section.word("endpoints").flatMap({ TranslationPolicy.EndpointPolicy(rawValue: $0) }) {
            policy.endpoints = choice
        }
        if let limit = try section.mapping("inlineLimit") {
            if let count = try limit.integer("endpoints", in: 2...4096) { policy.inlineLimit.endpoints = count }
            if let count = try limit.bytes("bytes") { policy.inlineLimit.bytes = count }
        }
        try readAddresses(section, &policy)
        try readPorts(section, &policy)
        if let labels = try section.mapping("labels") {
            if let keys = try labels.strings("keep") { policy.keptLabels = keys }
            if let problem = policy.labelProblem { throw labels.failure("keep", problem) }
        }
        return policy
    }

    private static func readAddresses(
        _ section: YAMLReader, _ policy: inout TranslationPolicy
    ) throws(ConfigurationError) {
        switch section.word("addresses") {
        case "istiod": policy.addresses = .istiod
        case "none": policy.addresses = .none
        default: break
        }
        guard section.word("addresses") == nil, let addresses = try section.mapping("addresses") else { return }
        let text = try addresses.string("cidr") ?? ""
        guard let block = CIDRBlock(text), block.usableCount > 0 else {
            throw addresses.failure("cidr", "must be a block of addresses such as 240.16.0.0/12, and is '\(text)'")
        }
        policy.addresses = .block(block)
    }

    private static func readPorts(
        _ section: YAMLReader, _ policy: inout TranslationPolicy
    ) throws(ConfigurationError) {
        guard let ports = try section.mapping("ports") else { return }
        for applicationProtocol in ApplicationProtocol.allCases {
            guard let number = try ports.integer(applicationProtocol.rawValue, in: 1...65535) else { continue }
            policy.ports[applicationProtocol] = UInt16(number)
        }
        if Set(policy.ports.values).count < policy.ports.count {
            throw section.failure("ports", "two protocols have the same port, but one host can have it only once")
        }
    }
}
