internal import Addressing
internal import Consul
internal import Conventions
internal import Dubbo
internal import Services
internal import Sources
internal import Text

/// Reads an answer about one service of Consul. The answer's words become the catalog's.
struct ConsulDecoder: Sendable {
    /// The attribute that has the name of an instance's datacenter.
    static let datacenterAttribute = "consul.datacenter"
    /// A tag without a value is an attribute of this prefix, with the value `true`.
    static let tagPrefix = "consul.tag."

    /// What the configuration says of instances.
    struct Rules: Sendable, Hashable {
        enum DatacenterMeaning: String, Sendable, CaseIterable {
            case none, zone, region
        }

        /// Whether an instance with a warning gets traffic, by the weight that it has for this.
        var servesWarning = true
        /// The tagged address that is used where an instance or its node has it.
        var taggedAddress: String?
        /// What a datacenter is to the mesh, besides a label.
        var datacenterMeaning = DatacenterMeaning.none
        /// The parts of a scope that tell services of one name apart, since the registry follows several of them.
        var hasSeveralDatacenters = false
        var hasSeveralNamespaces = false
        var hasSeveralPartitions = false
    }

    private let rules: Rules
    private let policy: ConventionPolicy
    private let applications: ConventionDecoder
    private let providers: ProviderDecoder

    init(_ rules: Rules, policy: ConventionPolicy, keptAttributes: [String], hosts: HostRules) {
        self.rules = rules
        self.policy = policy
        applications = ConventionDecoder(policy: policy, keptAttributes: keptAttributes, hosts: hosts)
        providers = ProviderDecoder(keptParameters: keptAttributes, hosts: hosts)
    }

    func decode(_ service: ConsulService, _ answer: ConsulInstances) -> RegistrationReading {
        var reading = RegistrationReading()
        reading.unusable = Array(
            repeating: .init(address: "", reason: "it has no service or no node"), count: answer.unreadable)
        for instance in answer.instances where instance.kind.isEmpty && !instance.isManagement {
            if let url = instance.dubboURL {
                add(providers.decode(node: url.percentEncoded, interface: service.name), instance, service, &reading)
            } else {
                for place in places(of: instance) { add(place, instance, service, &reading) }
            }
        }
        return reading
    }

    /// One port of an instance.
    private struct Place {
        var host: String
        var port: Int
        /// The name of a port besides the default one; empty for that.
        var name = ""
        /// What the place itself says of its protocol.
        var namedProtocol: String?
        /// The weight in place of Consul's.
        var weight: Double?
    }

    private func places(of instance: ConsulInstance) -> [Place] {
        let urls = instance.taggedAddresses.filter { $0.value.address.contains("://") }
        if !urls.isEmpty { return kratosPlaces(urls.map(\.value.address).sorted(), instance) }
        let (host, port) = address(of: instance)
        let standard = instance.ports.first(where: \.isDefault) ?? instance.ports.first
        let main = port > 0 ? port : standard?.port ?? 0
        let others = instance.ports.filter { $0.port != main && !$0.name.isEmpty }
        // The metadata speaks of the default port.
        let isNamed = instance.metadata[policy.protocolKey] == nil && standard?.port == main
        return [Place(host: host, port: main, namedProtocol: isNamed ? namedProtocol(standard?.name ?? "") : nil)]
            + others.map { other in
                Place(host: host, port: other.port, name: other.name, namedProtocol: namedProtocol(other.name))
            }
    }

    private func namedProtocol(_ name: String) -> String? {
        policy.protocols.contains { $0.scheme == name.lowercased() } ? name : nil
    }

    private func address(of instance: ConsulInstance) -> (host: String, port: Int) {
        guard let tag = rules.taggedAddress else { return (instance.address, instance.port) }
        if let tagged = instance.taggedAddresses[tag] {
            return (tagged.address, tagged.port > 0 ? tagged.port : instance.port)
        }
        // A service without an address of its own has those of its node.
        if instance.ownAddress.isEmpty, let tagged = instance.nodeTaggedAddresses[tag] {
            return (tagged, instance.port)
        }
        return (instance.address, instance.port)
    }

    /// go-kratos registers each server of an application as a tagged address, which is a whole URL.
    private func kratosPlaces(_ urls: [String], _ instance: ConsulInstance) -> [Place] {
        let weight = instance.metadata["weight"].flatMap(Double.init).map { $0 / 100 }
        return urls.map { url in
            let parts = url.split(separator: "://", maxSplits: 1)
            let scheme = parts.count > 1 ? String(parts[0]) : ""
            let authority = (parts.last ?? "").prefix { $0 != "/" && $0 != "?" }
            let isSecure = url.hasSuffix("isSecure=true")
            let place = HostPort(String(authority))
            return Place(
                host: place?.host ?? String(authority), port: place?.port ?? 0,
                namedProtocol: isSecure ? "\(scheme)s" : scheme, weight: weight)
        }
    }

    private func add(
        _ place: Place, _ instance: ConsulInstance, _ service: ConsulService, _ reading: inout RegistrationReading
    ) {
        var metadata = self.metadata(of: instance)
        if let named = place.namedProtocol { metadata[policy.protocolKey] = named }
        let registration = Registration(
            service: service.name, host: place.host, port: place.port, weight: place.weight ?? weight(of: instance),
            isEnabled: instance.status != .maintenance, isHealthy: isHealthy(instance), metadata: metadata)
        switch applications.decode(registration) {
        case .served(let served):
            for served in served {
                let id = ServiceID(name: served.name, protocol: served.portProtocol).setting("port", to: place.name)
                let key = InstanceKey("\(service)\n\(instance.node)\n\(instance.id)\n\(place.port)")
                reading.services[qualified(id, service), default: [:]][key] = served.instance
            }
        case .ignored: break
        case .unusable(let reason), .otherProtocol(_, let reason):
            reading.unusable.append(.init(address: "\(place.host):\(place.port)", reason: reason))
        }
    }

    private func add(
        _ outcome: ProviderDecoder.Outcome, _ instance: ConsulInstance, _ service: ConsulService,
        _ reading: inout RegistrationReading
    ) {
        switch outcome {
        case .provider(let provider):
            var carried = provider.instance
            carried.isEnabled = carried.isEnabled && instance.status != .maintenance
            carried.isHealthy = isHealthy(instance)
            let key = InstanceKey("\(service)\n\(instance.node)\n\(instance.id)")
            for id in provider.services { reading.services[qualified(id, service), default: [:]][key] = carried }
        case .ignored: break
        case .unusable(let provider):
            reading.unusable.append(.init(address: "\(instance.address):\(instance.port)", reason: provider.reason))
        }
    }

    private func isHealthy(_ instance: ConsulInstance) -> Bool {
        switch instance.status {
        case .passing, .maintenance: true
        case .warning: rules.servesWarning
        case .critical: false
        }
    }

    private func weight(of instance: ConsulInstance) -> Double {
        Double(instance.status == .warning ? instance.warningWeight : instance.passingWeight)
    }

    /// The instance's own metadata, its tags and where it is.
    private func metadata(of instance: ConsulInstance) -> [String: String] {
        var metadata = instance.metadata
        func set(_ key: String, _ value: String?) {
            if let value, !value.isEmpty, metadata[key]?.isEmpty != false { metadata[key] = value }
        }
        for tag in instance.tags {
            let pair = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { set(String(pair[0]), String(pair[1])) } else { set(Self.tagPrefix + tag, "true") }
        }
        set(Self.datacenterAttribute, instance.datacenter)
        if rules.datacenterMeaning != .none { set(rules.datacenterMeaning.rawValue, instance.datacenter) }
        set("region", instance.region)
        set("zone", instance.zone)
        set("region", instance.nodeMetadata["region"])
        set("zone", instance.nodeMetadata["zone"])
        return metadata
    }

    private func qualified(_ id: ServiceID, _ service: ConsulService) -> ServiceID {
        var id = id
        let scope = service.scope
        if rules.hasSeveralDatacenters { id = id.setting("datacenter", to: scope.datacenter ?? "") }
        if rules.hasSeveralNamespaces, scope.namespace != "default" {
            id = id.setting("namespace", to: scope.namespace ?? "")
        }
        if rules.hasSeveralPartitions, scope.partition != "default" {
            id = id.setting("partition", to: scope.partition ?? "")
        }
        return id
    }
}

extension ConsulInstance {
    /// The tag of the service that Spring Cloud registers for an application's management port, called
    /// `<application>-management`.
    static let managementTag = "management"

    /// Whether it serves an application's management, and no consumer.
    fileprivate var isManagement: Bool {
        service.hasSuffix("-management") && tags.contains(Self.managementTag)
    }

    /// The provider URL of an instance that Dubbo 2.7 registered.
    fileprivate var dubboURL: String? {
        guard tags.contains("dubbo"), let url = metadata["url"], url.contains("://") else { return nil }
        return url
    }
}
