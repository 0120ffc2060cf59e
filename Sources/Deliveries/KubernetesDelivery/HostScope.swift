internal import Deliveries
package import IstioAPI
internal import Planning

/// The hosts of an installation in one cluster: all of a domain.
package struct HostScope: Sendable, Hashable {
    /// What every host ends in; empty for nothing.
    package var domain: String
    /// Where the installation's objects stand.
    package var namespace: String
    /// Who sees them.
    package var exportTo: Set<String>
    package var mesh: MeshMode

    package init(domain: String, namespace: String, exportTo: Set<String> = [], mesh: MeshMode = .sidecar) {
        self.domain = domain
        self.namespace = namespace
        self.exportTo = exportTo
        self.mesh = mesh
    }

    /// A host without its domain is the name of its object.
    func host(of key: ResourceKey) -> String { domain.isEmpty ? key.name : "\(key.name).\(domain)" }

    /// The ServiceEntry that has the host; `nil` for a host outside of the domain.
    func key(ofHost host: String) -> ResourceKey? {
        if domain.isEmpty { return ResourceKey(namespace: namespace, name: host) }
        guard host.hasSuffix("." + domain) else { return nil }
        return ResourceKey(namespace: namespace, name: String(host.dropLast(domain.utf8.count + 1)))
    }

    /// The installation's service of a host.
    /// - Parameter created: Empty for an object that isn't there, and would be younger than all others.
    func service(_ key: ResourceKey, created: String) -> MeshService {
        MeshService(
            registry: .external, host: host(of: key), namespace: namespace, objectName: key.name,
            created: created.isEmpty ? "9" : created, exportTo: exportTo)
    }
}

// MARK: - Where other owners of such hosts can be

/// Objects of somebody else that may have a host of ours. They are listed and watched together.
struct ForeignView: Sendable, Hashable {
    var subject: ForeignObject.Kind
    /// `nil` for all namespaces.
    var namespace: String?
    var labelSelector: String?
    var fieldSelector: String?

    /// What is looked at, for people.
    var description: String {
        switch subject {
        case .serviceEntry: namespace == nil ? "ServiceEntries of other namespaces" : "other ServiceEntries"
        case .service: namespace.map { "Services of namespace '\($0)'" } ?? "Services"
        case .namespace: "the namespaces"
        }
    }

    /// What the bridge must be allowed to do for it.
    var permission: String {
        let place = namespace.map { "in namespace '\($0)'" } ?? "in all namespaces"
        switch subject {
        case .serviceEntry: return "list and watch on serviceentries.networking.istio.io \(place)"
        case .service: return "list and watch on services \(place)"
        case .namespace: return "list and watch on namespaces"
        }
    }
}

extension HostScope {
    /// The host `orders.shop` is the Service `orders` in a namespace `shop`. Longer hosts are no Service's.
    func views(_ ownership: Ownership) -> [ForeignView] {
        let others = ownership.foreignSelectors.map {
            ForeignView(subject: .serviceEntry, namespace: namespace, labelSelector: $0)
        }
        let elsewhere = ForeignView(subject: .serviceEntry, fieldSelector: "metadata.namespace!=\(namespace)")
        return others + [elsewhere] + kubernetesViews
    }

    private var kubernetesViews: [ForeignView] {
        if domain.isEmpty { return [ForeignView(subject: .service)] }
        if domain.contains(".") { return [] }
        return [
            ForeignView(subject: .namespace, fieldSelector: "metadata.name=\(domain)"),
            ForeignView(subject: .service, namespace: domain),
        ]
    }
}

extension Ownership {
    /// Label selectors that together match each object which isn't ours, and each one once.
    var foreignSelectors: [String] {
        let sorted = labels.sorted(by: <)
        return sorted.indices.map { index in
            let equal = sorted[..<index].map { "\($0.key)=\($0.value)" }
            return (equal + ["\(sorted[index].key)!=\(sorted[index].value)"]).joined(separator: ",")
        }
    }
}

extension DeliveryContext {
    var hosts: HostScope {
        HostScope(domain: domain, namespace: namespace, exportTo: Set(exportTo), mesh: mesh)
    }
}
