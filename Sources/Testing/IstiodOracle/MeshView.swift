package import IstioAPI

/// What the clients of a namespace find in the mesh: hosts, and where the calls of each go.
package struct MeshView: Hashable, Sendable {
    package struct Host: Hashable, Sendable {
        /// The answer of the DNS proxy.
        package var addresses: [String] = []
        /// Port → where its calls go. A call of a port without endpoints is reset.
        package var endpoints: [UInt16: [Endpoint]] = [:]
    }

    package struct Endpoint: Hashable, Sendable, Comparable, CustomStringConvertible {
        package var address: String
        package var port: UInt16

        /// `IP:PORT`
        package var description: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }

        package static func < (left: Endpoint, right: Endpoint) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }

    package var hosts: [String: Host] = [:]
    package var blackHoles: [BlackHole] = []

    /// Where calls of a ServiceEntry's hosts and ports go.
    package func endpoints(of entry: ConfigObject) -> [Endpoint] {
        let traits = ServiceTraits(entry)
        return traits.hosts.flatMap { host in
            traits.ports.flatMap { hosts[host]?.endpoints[$0.number] ?? [] }
        }
    }

    /// The addresses that calls of a host go to, whatever the port.
    fileprivate func addresses(of host: String) -> Set<String> {
        let endpoints = (hosts[host]?.endpoints ?? [:]).values.flatMap { $0 }
        return Set(endpoints.map(\.address))
    }
}

/// What stands between a client and the services that it calls.
package enum DataPlane: Hashable, Sendable, CaseIterable {
    case sidecar
    case ztunnel
}

extension Istiod {
    package func view(from namespace: String, through dataPlane: DataPlane) -> MeshView {
        switch dataPlane {
        case .sidecar: MeshView(sidecarView(of: namespace))
        case .ztunnel: MeshView(ambientView(), from: namespace)
        }
    }
}

extension Istiod {
    /// What the clients of a namespace would complain about: calls that are lost, and hosts of which a ztunnel reaches
    /// other addresses than a sidecar. A ztunnel may reach fewer ports of an address: inline it keeps one endpoint of
    /// each.
    package func complaints(from namespace: String) -> [String] {
        let views = DataPlane.allCases.map { view(from: namespace, through: $0) }
        let lost = views.flatMap(\.blackHoles).map { "a call is lost: \($0)" }
        let hosts = Set(views.flatMap { Array($0.hosts.keys) })
        let different = hosts.filter { host in Set(views.map { $0.addresses(of: host) }).count > 1 }
        return lost + different.sorted().map { "\($0): a sidecar and a ztunnel reach different addresses" }
    }
}

// MARK: - Sidecars

extension MeshView {
    init(_ view: SidecarView) {
        for (host, addresses) in view.names { hosts[host, default: Host()].addresses = addresses }
        for (host, port) in view.ports {
            hosts[host, default: Host()].endpoints[port] = view.endpoints(of: host, port).map {
                Endpoint(address: $0.address, port: $0.port)
            }
        }
        blackHoles = view.blackHoles
    }
}

extension SidecarView {
    /// The ports of each host, also where a listener or a route leads to no cluster.
    fileprivate var ports: [(host: String, port: UInt16)] {
        var names = Set(clusters.keys)
        for case .tcp(let cluster) in listeners.values { names.insert(cluster) }
        names.formUnion(routes.values.flatMap(\.values).map(\.cluster))
        return names.compactMap { name in
            let parts = name.split(separator: "|", omittingEmptySubsequences: false)
            guard parts.count == 4, let port = UInt16(parts[1]) else { return nil }
            return (String(parts[3]), port)
        }
    }

    /// Where a call goes: by the address of the host to a listener, and on to a cluster.
    fileprivate func endpoints(of host: String, _ port: UInt16) -> [Endpoint] {
        let address = names[host]?.first ?? "0.0.0.0"
        guard let listener = listeners["\(address)_\(port)"] ?? listeners["0.0.0.0_\(port)"] else { return [] }
        let cluster =
            switch listener {
            case .tcp(let cluster): cluster
            case .http(let route): routes[route]?.values.first { $0.domains.contains(host) }?.cluster
            }
        return cluster.flatMap { clusters[$0] }?.endpoints ?? []
    }
}

// MARK: - Ztunnels

extension MeshView {
    init(_ view: AmbientView, from namespace: String) {
        // A client gets the host of its own namespace, or else the one that istiod chose.
        let services = Dictionary(grouping: view.services, by: \.value.host).compactMapValues { services in
            services.first { $0.value.namespace == namespace } ?? services.first(where: \.value.isCanonical)
        }
        var endpoints: [String: [UInt16: [Endpoint]]] = [:]
        for workload in view.workloads.values {
            for (service, ports) in workload.services {
                for (port, target) in ports {
                    endpoints[service, default: [:]][port, default: []].append(
                        Endpoint(address: workload.address, port: target))
                }
            }
        }
        for (host, (name, service)) in services {
            hosts[host] = Host(addresses: service.addresses)
            for port in service.ports {
                hosts[host]?.endpoints[port.number] = endpoints[name]?[port.number]?.sorted() ?? []
            }
        }
        blackHoles = view.blackHoles
    }
}

extension AmbientView {
    fileprivate var blackHoles: [BlackHole] {
        let hidden = hidden.flatMap { key, entries in
            entries.map { BlackHole.hidden(entry: "\(key.namespace)/\($0)", host: key.host) }
        }
        let ownNames = workloads.values.filter { workload in
            workload.services.keys.contains { services[$0]?.host == workload.address }
        }
        return (hidden + ownNames.map { .ownName(cluster: $0.address) }).sorted()
    }
}
