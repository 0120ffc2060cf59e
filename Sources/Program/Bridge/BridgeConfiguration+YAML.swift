internal import Addressing
internal import Catalog
internal import Deliveries
internal import IstioAPI
internal import Services
internal import Settings
internal import Sources
internal import Translation

extension BridgeConfiguration {
    /// Reads a configuration file; `docs/configuration.md` lists its keys.
    ///
    /// - Parameters:
    ///   - file: The file's name, for errors.
    /// - Throws: `ConfigurationError` for anything that can't be meant, or what keeps a delivery from being used.
    package init(yaml text: String, file: String, kinds: Kinds = .standard) throws {
        let root = try ConfigurationSection(text, file: file)
        try root.check(Self.schema(kinds))
        registries = try Self.registries(root, kinds)
        deliveries = try Self.deliveries(root, kinds)
        let namespace = deliveries.lazy.compactMap(\.namespace).first ?? "default"
        translation = try Self.translation(root, namespace: namespace, formats: kinds.formats)
        if translation.mesh == .ambient, let other = deliveries.first(where: { !$0.servesAmbient }) {
            throw root.failure(
                "mesh", "istiod's ambient reads Kubernetes only, and delivery '\(other.name)' does not write there")
        }
        if let problem = configSourceProblem { throw root.failure("delivery", problem) }
        removals = try Self.removals(root)
        limits = try Self.limits(root)
        leadership = try Self.leadership(root)
        admin = try Admin(root)
        statePath = try Self.statePath(root) ?? defaultStatePath
        configurations = try configurations(root, kinds)
    }

    /// What keeps istiod from being served by the bridge itself; `nil` where it isn't, or may be.
    private var configSourceProblem: String? {
        guard let source = deliveries.first(where: \.isConfigSource) else { return nil }
        if let other = deliveries.first(where: \.servesAmbient) {
            return "'\(source.name)' and '\(other.name)' both bring every service to istiod, which has each twice then;"
                + " leave one of them out"
        }
        guard case .block = translation.addresses else {
            return "'\(source.name)' needs 'translation.addresses.cidr': istiod allocates no addresses to what it gets"
                + " from the bridge itself"
        }
        return nil
    }

    private static func statePath(_ root: ConfigurationSection) throws(ConfigurationError) -> String? {
        guard let state = try root.mapping("state"), let path = try state.string("path") else { return nil }
        if path.isEmpty || path.hasSuffix("/") { throw state.failure("path", "must be the path of a file") }
        return path
    }

    /// The first delivery's file, where no delivery's objects tell what the bridge has to know of its past.
    private var defaultStatePath: String? {
        var files: [String] = []
        for delivery in deliveries {
            guard case .file(let path) = delivery.memory(instance: translation.instance) else { return nil }
            files.append(path)
        }
        return files.first
    }

    private static func registries(
        _ root: ConfigurationSection, _ kinds: Kinds
    ) throws(ConfigurationError) -> [Registry] {
        guard let entries = try root.mappings("registries"), !entries.isEmpty else {
            throw root.failure("registries", "at least one is needed, or there is nothing to watch")
        }
        var registries: [Registry] = []
        for entry in entries {
            let registry = try registry(entry, kinds)
            if registries.contains(where: { $0.name == registry.name }) {
                throw entry.failure("name", "another registry is called '\(registry.name)' too")
            }
            registries.append(registry)
        }
        return registries
    }

    private static func registry(_ entry: ConfigurationSection, _ kinds: Kinds) throws(ConfigurationError) -> Registry {
        guard let name = try entry.string("name"), !name.isEmpty, !name.contains(",") else {
            throw entry.failure("name", "must not be empty or have commas")
        }
        let scope = try entry.string("scope")
        if let scope, !DNSName.isLabel(scope) {
            throw entry.failure("scope", "must be up to 63 lower-case letters, digits and '-', as it stands in hosts")
        }
        var found: Registry?
        for kind in kinds.registries {
            guard let section = try entry.mapping(kind.key.name) else { continue }
            if found != nil { throw entry.failure(kind.key.name, "a registry is of one kind only") }
            found = Registry(name: name, settings: try kind.settings(section), scope: scope)
        }
        if let found { return found }
        let keys = kinds.registries.map { "'\($0.key.name)'" }.joined(separator: " or ")
        throw entry.failure("name", "the registry '\(name)' has no kind: give \(keys)")
    }

    private static func deliveries(_ root: ConfigurationSection, _ kinds: Kinds) throws -> [any DeliverySettings] {
        var deliveries: [any DeliverySettings] = []
        if let section = try root.mapping("delivery") {
            for kind in kinds.deliveries { deliveries += try kind.deliveries(section) }
        }
        if !deliveries.isEmpty { return deliveries }
        for kind in kinds.deliveries {
            if let delivery = try kind.standard() { return [delivery] }
        }
        throw root.failure("delivery", "at least one is needed, or there is nowhere to deliver to")
    }
}

// MARK: - Translation

extension BridgeConfiguration {
    private static func translation(
        _ reader: ConfigurationSection, namespace: String, formats: [FormatDefaults]
    ) throws(ConfigurationError) -> TranslationPolicy {
        var policy = TranslationPolicy(namespace: namespace, formats: formats)
        if let instance = try reader.string("instance") { policy.instance = instance }
        if let problem = policy.instanceProblem { throw reader.failure("instance", problem) }
        if let mesh = reader.word("mesh").flatMap({ MeshMode(rawValue: $0) }) { policy.mesh = mesh }
        policy.outlierDetection = OutlierDetection()
        guard let section = try reader.mapping("translation") else {
            if let problem = policy.domainProblem { throw reader.failure("translation", "domain: \(problem)") }
            return policy
        }
        try readOutlierDetection(section, &policy)
        if let namespace = try section.string("namespace") { policy.namespace = namespace }
        if let problem = policy.namespaceProblem { throw section.failure("namespace", problem) }
        if let domain = try section.string("domain") { policy.hosts.domain = domain }
        if let names = try section.strings("plainProtocols") { policy.hosts.plainProtocols = Set(names) }
        if let problem = policy.plainProtocolProblem { throw section.failure("plainProtocols", problem) }
        if let exports = try section.strings("exportTo") { policy.exportTo = exports }
        if let problem = policy.exportProblem { throw section.failure("exportTo", problem) }
        if let retention = try section.duration("emptyRetention") { policy.emptyRetention = retention }
        if let hosts = try section.strings("allowedHosts") { policy.allowedHosts = hosts }
        if let problem = policy.allowedHostProblem { throw section.failure("allowedHosts", problem) }
        policy.allowsLoopback = section.word("allowLoopback") == "true"
        policy.allowsHostNames = section.word("hostNames") != "refuse"
        if let domain = try section.string("clusterDomain") { policy.clusterDomain = domain }
        if let problem = policy.domainProblem { throw section.failure("domain", problem) }
        if let choice = section.word("endpoints").flatMap({ TranslationPolicy.EndpointPolicy(rawValue: $0) }) {
            policy.endpoints = choice
        }
        if let problem = policy.endpointProblem { throw section.failure("endpoints", problem) }
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

    private static func readOutlierDetection(
        _ section: ConfigurationSection, _ policy: inout TranslationPolicy
    ) throws(ConfigurationError) {
        if section.word("outlierDetection") == "off" {
            policy.outlierDetection = nil
            return
        }
        guard let numbers = try section.mapping("outlierDetection") else { return }
        var detection = OutlierDetection()
        if let count = try numbers.integer("failures", in: 1...1000) { detection.failures = UInt32(count) }
        if let interval = try numbers.duration("interval") { detection.interval = interval }
        if let ejection = try numbers.duration("ejection") { detection.ejection = ejection }
        if let percent = try numbers.integer("maxPercent", in: 0...100) { detection.maxPercent = Int32(percent) }
        policy.outlierDetection = detection
        if let problem = policy.outlierRule?.violations.first {
            throw section.failure("outlierDetection", "\(problem)")
        }
    }

    private static func readAddresses(
        _ section: ConfigurationSection, _ policy: inout TranslationPolicy
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
        if let problem = policy.addressProblem { throw addresses.failure("cidr", problem) }
    }

    private static func readPorts(
        _ section: ConfigurationSection, _ policy: inout TranslationPolicy
    ) throws(ConfigurationError) {
        guard let ports = try section.mapping("ports") else { return }
        for portProtocol in policy.protocols {
            guard let number = try ports.integer(portProtocol.name, in: 1...65535) else { continue }
            policy.ports[portProtocol] = UInt16(number)
        }
    }
}
