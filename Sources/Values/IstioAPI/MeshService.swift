internal import JSON

/// A service as istiod keeps it (`model.Service`): one for each host and address of a ServiceEntry, and one for each
/// Kubernetes Service.
package struct MeshService: Hashable, Sendable {
    package enum Registry: Hashable, Sendable {
        case kubernetes
        case external
    }

    package var registry: Registry
    package var host: String
    package var namespace: String
    /// The object that it comes from.
    package var objectName: String
    package var created: String
    /// Where sidecars and the DNS proxy find it. `nil` is every address.
    package var address: String?
    /// All of them, as ambient has them.
    package var addresses: [String]
    package var ports: [ServiceTraits.Port]
    package var resolution: ServiceTraits.Resolution
    package var isExternal: Bool
    package var labels: [String: String]
    package var selector: [String: String]
    package var exportTo: Set<String>

    /// The services of a ServiceEntry, in the order of its hosts and addresses.
    package static func services(of entry: ConfigObject) -> [MeshService] {
        let traits = ServiceTraits(entry)
        return traits.hosts.flatMap { host in
            let all = traits.addresses.isEmpty ? traits.allocated[host] ?? [] : traits.addresses
            // An allocated pair is one service. The sidecars of this model speak IPv4.
            let own: [String?] = traits.addresses.isEmpty ? [all.first { !$0.contains(":") } ?? all.first] : all
            return own.map { address in
                MeshService(
                    registry: .external, host: host, namespace: entry.namespace, objectName: entry.name,
                    created: entry.created, address: address, addresses: all, ports: traits.ports,
                    resolution: traits.resolution, isExternal: traits.isExternal, labels: traits.labels,
                    selector: traits.selector ?? [:], exportTo: traits.exportTo)
            }
        }
    }

    /// The service of a Kubernetes Service that has a cluster IP.
    package init(kubernetes object: ConfigObject, clusterDomain: String = "cluster.local") {
        let address = object.spec["clusterIP"]?.string
        self.init(
            registry: .kubernetes, host: "\(object.name).\(object.namespace).svc.\(clusterDomain)",
            namespace: object.namespace, objectName: object.name, created: object.created, address: address,
            addresses: address.map { [$0] } ?? [],
            ports: (object.spec["ports"]?.array ?? []).compactMap(ServiceTraits.Port.init(kubernetes:)),
            resolution: .static, isExternal: false, labels: object.labels,
            selector: object.spec["selector"]?.strings ?? [:], exportTo: [])
    }

    /// A service of which only that is known what decides who sees it, and which of several has its host.
    package init(
        registry: Registry, host: String, namespace: String, objectName: String, created: String,
        exportTo: Set<String>
    ) {
        self.init(
            registry: registry, host: host, namespace: namespace, objectName: objectName, created: created,
            address: nil, addresses: [], ports: [], resolution: .static, isExternal: false, labels: [:], selector: [:],
            exportTo: exportTo)
    }

    private init(
        registry: Registry, host: String, namespace: String, objectName: String, created: String, address: String?,
        addresses: [String], ports: [ServiceTraits.Port], resolution: ServiceTraits.Resolution, isExternal: Bool,
        labels: [String: String], selector: [String: String], exportTo: Set<String>
    ) {
        self.registry = registry
        self.host = host
        self.namespace = namespace
        self.objectName = objectName
        self.created = created
        self.address = address
        self.addresses = addresses
        self.ports = ports
        self.resolution = resolution
        self.isExternal = isExternal
        self.labels = labels
        self.selector = selector
        self.exportTo = exportTo
    }
}

extension ServiceTraits.Port {
    /// A port of a Kubernetes Service. Its protocol is its `appProtocol`, or else the begin of its name.
    fileprivate init?(kubernetes json: JSONValue) {
        guard let number = json["port"]?.portNumber else { return nil }
        let name = json["name"]?.string ?? ""
        let prefix = name.hasPrefix("grpc-web") ? "grpc-web" : String(name.prefix { $0 != "-" })
        self.init(
            number: number, name: name, protocol: IstioProtocol(anyCase: json["appProtocol"]?.string ?? prefix),
            target: json["targetPort"]?.portNumber)
    }
}

// MARK: - Which service holds

extension MeshService {
    /// Whether this service goes before another one of its host (`SortServicesByCreationTime`): the older one does.
    package func precedes(_ other: MeshService) -> Bool {
        (created, attributeName, namespace, objectName)
            < (other.created, other.attributeName, other.namespace, other.objectName)
    }

    /// `Attributes.Name`: the host of a ServiceEntry, the name of a Kubernetes Service.
    private var attributeName: String { registry == .kubernetes ? objectName : host }

    /// Who sees a service, in the order in which istiod collects them for a namespace.
    package enum Visibility: Int, Hashable, Sendable, Comparable {
        case withinNamespace
        case toThisNamespace
        case everywhere

        package static func < (left: Visibility, right: Visibility) -> Bool { left.rawValue < right.rawValue }
    }

    /// How sidecars of a namespace see it; `nil` where they don't. Ambient doesn't ask.
    package func visibility(from client: String) -> Visibility? {
        if exportTo.isEmpty || exportTo.contains("*") { return .everywhere }
        if exportTo.contains("~") { return nil }
        if namespace == client, exportTo.contains(".") || exportTo.contains(namespace) { return .withinNamespace }
        return namespace != client && exportTo.contains(client) ? .toThisNamespace : nil
    }

    /// Whether the calls of some client depend on both services, where both have one host. In one namespace they always
    /// do: istiod gives a host all endpoints of its namespace, whatever `exportTo` says.
    package func meets(_ other: MeshService, in mesh: MeshMode = .sidecar) -> Bool {
        if mesh == .ambient || namespace == other.namespace { return true }
        switch (audience, other.audience) {
        case (nil, nil): return true
        case (nil, let some?), (let some?, nil): return !some.isEmpty
        case (let one?, let another?): return !one.isDisjoint(with: another)
        }
    }

    /// The namespaces whose sidecars see the service; `nil` where all do.
    private var audience: Set<String>? {
        if exportTo.isEmpty || exportTo.contains("*") { return nil }
        if exportTo.contains("~") { return [] }
        return Set(exportTo.map { $0 == "." ? namespace : $0 })
    }

    /// Whether sidecars see two services of one host as one with the ports of both (`canMergeServices`). Otherwise the
    /// second one's clusters are missing.
    package func canMerge(_ other: MeshService) -> Bool {
        host == other.host && namespace == other.namespace && registry == other.registry
            && resolution == other.resolution && labels == other.labels && selector == other.selector
            && exportTo == other.exportTo
    }

    /// The namespace from which sidecars of a namespace take a host: their own, else that of a Kubernetes Service, else
    /// that of the oldest service.
    /// - Parameter services: Services of one host that the sidecars see.
    package static func namespace(of services: [MeshService], for client: String) -> String? {
        if services.contains(where: { $0.namespace == client }) { return client }
        let candidates = services.filter { $0.registry == .kubernetes }
        return (candidates.isEmpty ? services : candidates).min { $0.precedes($1) }?.namespace
    }
}
