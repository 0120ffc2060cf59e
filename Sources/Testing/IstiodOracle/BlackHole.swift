/// Something that takes traffic and loses it, or takes what isn't meant for it.
package enum BlackHole: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// A listener or a route names a cluster that isn't there: connections are accepted and reset.
    case missingCluster(String, namedBy: String)
    /// An endpoint is called on a port which its object doesn't name, beside others that it names.
    case unservedPort(cluster: String, endpoint: String)
    /// A cluster resolves the very host that it stands for.
    case ownName(cluster: String)
    /// A TCP listener without an address takes all connections to its port, whatever address they are for.
    case everyAddress(listener: String, cluster: String)
    /// A cluster of a TCP port that no listener leads to, since an older service has its address and port.
    case unreachable(cluster: String)
    /// A ztunnel knows nothing of a host's entry, since an older entry of the namespace has the host.
    case hidden(entry: String, host: String)

    package var description: String {
        switch self {
        case .missingCluster(let cluster, let name): "\(name) leads to \(cluster), which isn't there"
        case .unservedPort(let cluster, let endpoint): "\(cluster) calls \(endpoint), which serves other ports"
        case .ownName(let cluster): "\(cluster) resolves its own name"
        case .everyAddress(let listener, let cluster): "\(listener) takes every address for \(cluster)"
        case .unreachable(let cluster): "no listener leads to \(cluster)"
        case .hidden(let entry, let host): "an older entry hides \(entry), which has \(host) too"
        }
    }
}

extension SidecarView {
    package var blackHoles: [BlackHole] {
        var found = missingClusters
        for (name, cluster) in clusters {
            for endpoint in cluster.endpoints {
                if endpoint.isUnnamedPort {
                    found.append(.unservedPort(cluster: name, endpoint: "\(endpoint.address):\(endpoint.port)"))
                }
                if endpoint.address == cluster.host { found.append(.ownName(cluster: name)) }
            }
        }
        for (name, listener) in listeners where name.hasPrefix("0.0.0.0_") {
            if case .tcp(let cluster) = listener { found.append(.everyAddress(listener: name, cluster: cluster)) }
        }
        return (found + unreachableClusters).sorted()
    }

    private var missingClusters: [BlackHole] {
        let byListener = listeners.compactMap { name, listener -> BlackHole? in
            guard case .tcp(let cluster) = listener, clusters[cluster] == nil else { return nil }
            return .missingCluster(cluster, namedBy: "listener \(name)")
        }
        let byRoute = routes.flatMap { route, hosts in
            hosts.values.filter { clusters[$0.cluster] == nil }.map {
                BlackHole.missingCluster($0.cluster, namedBy: "route \(route)")
            }
        }
        return byListener + byRoute
    }

    private var unreachableClusters: [BlackHole] {
        var reached: Set<String> = Set(routes.values.flatMap(\.values).map(\.cluster))
        for case .tcp(let cluster) in listeners.values { reached.insert(cluster) }
        // Subsets are reached by rules, which this model doesn't have.
        return clusters.keys.filter { $0.contains("||") && !reached.contains($0) }.map { .unreachable(cluster: $0) }
    }
}
