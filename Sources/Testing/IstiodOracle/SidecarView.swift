package import IstioAPI

/// What a sidecar of a namespace gets: the outbound side, without istiod's own clusters and listeners.
package struct SidecarView: Hashable, Sendable {
    /// By name: `outbound|PORT|SUBSET|HOST`.
    package var clusters: [String: Cluster] = [:]
    /// By name: `ADDRESS_PORT`.
    package var listeners: [String: Listener] = [:]
    /// By name, which is the port, and then by the virtual host's name, which is `HOST:PORT`.
    package var routes: [String: [String: VirtualHost]] = [:]
    /// What the sidecar's DNS proxy answers.
    package var names: [String: [String]] = [:]

    package struct Cluster: Hashable, Sendable {
        package enum Discovery: String, Hashable, Sendable {
            case endpoints = "EDS"
            case strictDNS = "STRICT_DNS"
            case logicalDNS = "LOGICAL_DNS"
            case forwardProxy = "DYNAMIC_DNS"
            case original = "ORIGINAL_DST"
        }

        package var host: String
        package var namespace: String
        package var port: ServiceTraits.Port
        package var discovery: Discovery
        package var endpoints: [Endpoint]
        /// Whether an endpoint's own mode decides about mutual TLS.
        package var allowsMutualTLS: Bool
        package var policy: DestinationRule.TrafficPolicy?
    }

    package struct Endpoint: Hashable, Sendable {
        package var address: String
        package var port: UInt16
        package var weight: UInt32
        package var labels: [String: String]
        package var locality: String
        package var isMutualTLS: Bool
        package var isUnnamedPort: Bool
    }

    package enum Listener: Hashable, Sendable {
        case tcp(cluster: String)
        case http(route: String)
    }

    package struct VirtualHost: Hashable, Sendable {
        package var cluster: String
        package var domains: [String]
    }
}

extension Istiod {
    /// What sidecars of a namespace get.
    package func sidecarView(of client: String) -> SidecarView {
        let visible = visibleServices(from: client)
        let rules = DestinationRules(objects, rootNamespace: rootNamespace)
        var view = SidecarView()
        for service in merged(visible) {
            let rule = rules.rule(for: service.host, inNamespace: service.namespace, client: client)
            view.addClusters(of: service, rule: rule, endpoints: endpoints(of: service))
        }
        // Listeners, routes and names are made of the services before they are merged.
        for service in visible {
            view.addListeners(of: service)
            view.addName(of: service)
        }
        return view
    }

    /// The services that sidecars of a namespace see, in istiod's order; of each host those of one namespace.
    func visibleServices(from client: String) -> [MeshService] {
        let visible = services.compactMap { service in service.visibility(from: client).map { (service, $0) } }
        let ordered = visible.enumerated().sorted {
            ($0.element.1, $0.offset) < ($1.element.1, $1.offset)
        }.map { $0.element.0 }
        let chosen = Dictionary(grouping: ordered, by: \.host).mapValues {
            MeshService.namespace(of: $0, for: client)
        }
        return ordered.filter { chosen[$0.host] == $0.namespace }
    }

    /// One service a host (`appendSidecarServices`). What can't be merged with the first one is left out.
    private func merged(_ services: [MeshService]) -> [MeshService] {
        var result: [MeshService] = []
        var indices: [String: Int] = [:]
        for service in services {
            guard let index = indices[service.host] else {
                indices[service.host] = result.count
                result.append(service)
                continue
            }
            result[index] = result[index].merging(service)
        }
        return result
    }

    private func endpoints(of service: MeshService) -> [MeshEndpoint] {
        service.registry == .kubernetes ? [] : endpoints(of: service.host, inNamespace: service.namespace)
    }
}

extension MeshService {
    /// This service with the ports of another one of its host, where istiod joins them.
    package func merging(_ other: MeshService) -> MeshService {
        if registry != .kubernetes, other.registry == .kubernetes { return other }
        guard canMerge(other) else { return self }
        var service = self
        service.ports += other.ports.filter { new in !ports.contains { $0.number == new.number } }
        return service
    }
}

extension SidecarView {
    fileprivate mutating func addClusters(
        of service: MeshService, rule: DestinationRule?, endpoints: [MeshEndpoint]
    ) {
        for port in service.ports where port.protocol != .udp {
            // Endpoints belong to a port by its name. Of two entries with one number and two names, the older one's
            // stay.
            let own = endpoints.filter { $0.portName == port.name && $0.servicePort == port.number }
            add(service, port, subset: "", rule, own)
            for subset in rule?.subsets ?? [] {
                let chosen = own.filter { endpoint in
                    subset.labels.allSatisfy { endpoint.labels[$0.key] == $0.value }
                }
                add(service, port, subset: subset.name, rule, chosen)
            }
        }
    }

    private mutating func add(
        _ service: MeshService, _ port: ServiceTraits.Port, subset: String, _ rule: DestinationRule?,
        _ endpoints: [MeshEndpoint]
    ) {
        let discovery = service.discovery
        let shown =
            switch discovery {
            case .endpoints: endpoints.filter { $0.isIPAddress || $0.port == 0 }
            case .strictDNS: endpoints
            case .logicalDNS: Array(endpoints.prefix(1))
            case .original, .forwardProxy: [MeshEndpoint]()
            }
        clusters[Self.cluster(service.host, port.number, subset: subset)] = Cluster(
            host: service.host, namespace: service.namespace, port: port, discovery: discovery,
            endpoints: shown.map(Endpoint.init), allowsMutualTLS: !service.isExternal, policy: rule?.trafficPolicy)
    }

    static func cluster(_ host: String, _ port: UInt16, subset: String = "") -> String {
        "outbound|\(port)|\(subset)|\(host)"
    }

    fileprivate mutating func addListeners(of service: MeshService) {
        for port in service.ports where port.protocol != .udp {
            let cluster = Self.cluster(service.host, port.number)
            let name = "\(port.isHTTP ? "0.0.0.0" : service.address ?? "0.0.0.0")_\(port.number)"
            let route = "\(port.number)"
            let wanted = port.isHTTP ? Listener.http(route: route) : .tcp(cluster: cluster)
            // The oldest service of an address and port has it. HTTP services share theirs.
            let listener = listeners[name] ?? wanted
            listeners[name] = listener
            if port.isHTTP, listener == wanted { addRoute(route, to: cluster, of: service) }
        }
    }

    private mutating func addRoute(_ route: String, to cluster: String, of service: MeshService) {
        let name = "\(service.host):\(route)"
        guard routes[route]?[name] == nil else { return }
        let taken = Set((routes[route] ?? [:]).values.flatMap(\.domains))
        let domains = [service.host, service.host + "."] + (service.address.map { [$0] } ?? [])
        routes[route, default: [:]][name] = VirtualHost(
            cluster: cluster, domains: domains.filter { !taken.contains($0) })
    }

    fileprivate mutating func addName(of service: MeshService) {
        if let address = service.address { names[service.host, default: []].append(address) }
    }
}

extension MeshService {
    fileprivate var discovery: SidecarView.Cluster.Discovery {
        switch resolution {
        case .none: .original
        case .static: .endpoints
        case .dns: .strictDNS
        case .dnsRoundRobin: .logicalDNS
        case .dynamicDNS: .forwardProxy
        }
    }
}

extension SidecarView.Endpoint {
    fileprivate init(_ endpoint: MeshEndpoint) {
        self.init(
            address: endpoint.address, port: endpoint.port, weight: max(endpoint.weight, 1), labels: endpoint.labels,
            locality: endpoint.locality, isMutualTLS: endpoint.isMutualTLS, isUnnamedPort: endpoint.isUnnamedPort)
    }
}
