package import IstioAPI

/// An oracle of istiod: what a real one makes of a set of objects, as a pure function of them.
///
/// It knows ServiceEntries, WorkloadEntries, DestinationRules and Kubernetes Services with a cluster IP, and the rules
/// that the recordings in `Tests/Fixtures/istiod` show. It doesn't know VirtualServices, Sidecars, gateways, networks,
/// pods, health of WorkloadEntries, Kubernetes Services that select WorkloadEntries, virtual addresses that are blocks,
/// ports whose protocol nobody says, and the inbound side of a proxy.
package struct Istiod: Sendable {
    /// The objects, the oldest first: the order in which they came counts for nothing.
    package let objects: [ConfigObject]
    package let rootNamespace: String
    /// Of the names that certificates carry.
    package let trustDomain: String
    /// The hosts of which this istiod has seen an endpoint at some time.
    package let seenHosts: Set<HostKey>
    let entries: [Entry]
    let workloads: [ConfigObject]
    private let entriesByHost: [HostKey: [Entry]]

    /// A ServiceEntry.
    struct Entry: Sendable {
        var object: ConfigObject
        var traits: ServiceTraits

        var hosts: [HostKey] { traits.hosts.map { HostKey(namespace: object.namespace, host: $0) } }
    }

    /// A host in a namespace.
    package struct HostKey: Hashable, Sendable {
        package var namespace: String
        package var host: String
    }

    package init(
        _ objects: some Sequence<ConfigObject>, rootNamespace: String = "istio-system",
        trustDomain: String = "cluster.local"
    ) {
        self.init(objects, rootNamespace: rootNamespace, trustDomain: trustDomain, remembering: [])
    }

    init(
        _ objects: some Sequence<ConfigObject>, rootNamespace: String, trustDomain: String,
        remembering seen: Set<HostKey>
    ) {
        self.objects = objects.sorted {
            ($0.created, $0.namespace, $0.name, $0.kind) < ($1.created, $1.namespace, $1.name, $1.kind)
        }
        self.rootNamespace = rootNamespace
        self.trustDomain = trustDomain
        let entries = self.objects.filter { $0.kind == ResourceKind.serviceEntry.rawValue }
            .map { Entry(object: $0, traits: ServiceTraits($0)) }
        let workloads = self.objects.filter { $0.kind == ResourceKind.workloadEntry.rawValue }
        entriesByHost = entries.reduce(into: [:]) { byHost, entry in
            for key in Set(entry.hosts) { byHost[key, default: []].append(entry) }
        }
        let served = entries.filter { !MeshEndpoint.places(of: $0, among: workloads).isEmpty }.flatMap(\.hosts)
        seenHosts = Set(served).union(seen.intersection(entriesByHost.keys))
        self.entries = entries
        self.workloads = workloads
    }

    /// The same istiod after a change.
    package func with(_ objects: some Sequence<ConfigObject>) -> Istiod {
        Istiod(objects, rootNamespace: rootNamespace, trustDomain: trustDomain, remembering: seenHosts)
    }

    /// The services of all objects, the oldest first.
    package var services: [MeshService] {
        objects.flatMap { object -> [MeshService] in
            switch object.kind {
            case "ServiceEntry": MeshService.services(of: object)
            case "Service": [MeshService(kubernetes: object)]
            default: []
            }
        }.enumerated().sorted { left, right in
            left.element.precedes(right.element)
                || !right.element.precedes(left.element) && left.offset < right.offset
        }.map(\.element)
    }

    /// The endpoints of a host, from all entries of its namespace.
    package func endpoints(of host: String, inNamespace namespace: String) -> [MeshEndpoint] {
        (entriesByHost[HostKey(namespace: namespace, host: host)] ?? []).flatMap {
            MeshEndpoint.endpoints(of: $0, for: host, among: workloads, trustDomain: trustDomain)
        }
    }
}
