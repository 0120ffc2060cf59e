internal import Conventions
internal import Dubbo
internal import Nacos
internal import Services
internal import Sources

/// Reads an answer about one service of Nacos. The answer's words become the catalog's.
struct NacosDecoder: Sendable {
    /// The attribute that has the name of an instance's cluster in Nacos.
    static let clusterAttribute = "nacos.cluster"

    /// What a cluster of Nacos is to the mesh, besides a label.
    enum ClusterMeaning: String, Sendable, CaseIterable {
        case none, zone, region
    }

    private let hasSeveralNamespaces: Bool
    private let clusterMeaning: ClusterMeaning
    private let providers: ProviderDecoder
    private let applications: ConventionDecoder

    /// - Parameter hasSeveralNamespaces: Whether services of one name in two namespaces are to be told apart.
    init(
        hasSeveralNamespaces: Bool, clusterMeaning: ClusterMeaning = .none, policy: ConventionPolicy,
        keptAttributes: [String], hosts: HostRules
    ) {
        self.hasSeveralNamespaces = hasSeveralNamespaces
        self.clusterMeaning = clusterMeaning
        providers = ProviderDecoder(keptParameters: keptAttributes, hosts: hosts)
        applications = ConventionDecoder(policy: policy, keptAttributes: keptAttributes, hosts: hosts)
    }

    func decode(_ service: NacosService, _ info: ServiceInfo) -> NacosReading {
        var reading = NacosReading()
        reading.isProtected = info.reachesProtectionThreshold && !info.instances.isEmpty
        if info.unreadableInstances > 0 {
            reading.unusable = Array(
                repeating: .init(address: "", reason: "it has no address, or no port from 0 to 65535"),
                count: info.unreadableInstances)
        }
        let role = service.role
        for instance in info.instances {
            let key = InstanceKey("\(service)\n\(instance.cluster)\n\(instance.ip):\(instance.port)")
            switch role {
            case .providers(let interface, let version, let group):
                let registration = ProviderRegistration(
                    interface: interface, group: group, version: version, host: instance.ip, port: instance.port,
                    parameters: metadata(of: instance))
                add(providers.decode(registration), of: instance, in: service, key, to: &reading)
            case .application where instance.isOfDubbo:
                if instance.exportsInterfaces {
                    reading.applicationInstances.append("\(instance.ip):\(instance.port)")
                }
            case .application:
                let registration = Registration(
                    service: service.key.name, host: instance.ip, port: instance.port, weight: instance.weight,
                    isEnabled: instance.isEnabled, isHealthy: instance.isHealthy, metadata: metadata(of: instance))
                add(applications.decode(registration), of: instance, in: service, key, to: &reading)
            case .uncarried: break
            }
        }
        return reading
    }

    /// The instance's own metadata with its cluster.
    private func metadata(of instance: NacosInstance) -> [String: String] {
        let cluster = instance.cluster
        if cluster.isEmpty || cluster == NacosInstance.defaultCluster { return instance.metadata }
        var metadata = instance.metadata
        metadata[Self.clusterAttribute] = cluster
        if clusterMeaning != .none, metadata[clusterMeaning.rawValue]?.isEmpty != false {
            metadata[clusterMeaning.rawValue] = cluster
        }
        return metadata
    }

    private func add(
        _ outcome: ProviderDecoder.Outcome, of instance: NacosInstance, in service: NacosService, _ key: InstanceKey,
        to reading: inout NacosReading
    ) {
        switch outcome {
        case .provider(let provider):
            var carried = provider.instance
            // Dubbo itself has its weight in the parameters. Nacos' own is an operator's, who takes traffic away by 0.
            carried.isEnabled = carried.isEnabled && instance.isEnabled && instance.weight > 0
            carried.isHealthy = instance.isHealthy
            for id in provider.services { reading.services[qualified(id, service), default: [:]][key] = carried }
            reading.providers.insert(carried.endpoint)
            if !provider.otherProtocols.isEmpty { reading.leftOut[key] = provider.leftOut }
        case .ignored: break
        case .unusable(let provider):
            reading.unusable.append(.init(address: "\(instance.ip):\(instance.port)", reason: provider.reason))
            reading.leftOut[key] = provider.leftOut
            if let endpoint = provider.endpoint { reading.providers.insert(endpoint) }
        }
    }

    private func add(
        _ outcome: ConventionDecoder.Outcome, of instance: NacosInstance, in service: NacosService,
        _ key: InstanceKey, to reading: inout NacosReading
    ) {
        switch outcome {
        case .served(let served):
            let group = service.key.group == ServiceKey.defaultGroup ? "" : service.key.group
            for served in served {
                let id = ServiceID(name: served.name, protocol: served.portProtocol, group: group)
                reading.services[qualified(id, service), default: [:]][key] = served.instance
            }
        case .ignored: break
        case .unusable(let reason):
            reading.unusable.append(.init(address: "\(instance.ip):\(instance.port)", reason: reason))
            reading.leftOut[key] = [.unusable(reason: reason)]
        case .otherProtocol(let name, let reason):
            reading.unusable.append(.init(address: "\(instance.ip):\(instance.port)", reason: reason))
            reading.leftOut[key] = [.ofProtocol(name)]
        }
    }

    private func qualified(_ id: ServiceID, _ service: NacosService) -> ServiceID {
        guard hasSeveralNamespaces, service.namespace != NacosService.publicNamespace else { return id }
        return id.setting("namespace", to: service.namespace)
    }
}

extension NacosInstance {
    /// Whether a Dubbo application registered it. Spring Cloud with Dubbo registers its HTTP port, with Dubbo's
    /// metadata beside Spring's.
    fileprivate var isOfDubbo: Bool {
        metadata["preserved.register.source"] != "SPRING_CLOUD"
            && (metadata[Self.revision] != nil || metadata["dubbo.metadata-service.url-params"] != nil)
    }

    /// Whether the application provides anything.
    fileprivate var exportsInterfaces: Bool { metadata[Self.revision].map { $0 != "0" && !$0.isEmpty } ?? false }

    private static let revision = "dubbo.metadata.revision"
}
