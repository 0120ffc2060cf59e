/// The kinds of `networking.istio.io` that Isthmus writes.
package enum ResourceKind: String, Hashable, Sendable, CaseIterable, Comparable {
    case serviceEntry = "ServiceEntry"
    case workloadEntry = "WorkloadEntry"
    case destinationRule = "DestinationRule"
    case virtualService = "VirtualService"
    case sidecar = "Sidecar"
    case envoyFilter = "EnvoyFilter"

    package static let group = "networking.istio.io"

    package var plural: String {
        switch self {
        case .serviceEntry: "serviceentries"
        case .workloadEntry: "workloadentries"
        case .destinationRule: "destinationrules"
        case .virtualService: "virtualservices"
        case .sidecar: "sidecars"
        case .envoyFilter: "envoyfilters"
        }
    }

    package static func < (left: ResourceKind, right: ResourceKind) -> Bool { left.rawValue < right.rawValue }
}

/// Where an object stands in a cluster.
package struct ResourceKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var kind: ResourceKind
    package var namespace: String
    package var name: String

    package init(_ kind: ResourceKind = .serviceEntry, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// Nearly everything is a ServiceEntry; what isn't says so.
    package var description: String {
        kind == .serviceEntry ? "\(namespace)/\(name)" : "\(kind.rawValue) \(namespace)/\(name)"
    }

    package static func < (left: ResourceKey, right: ResourceKey) -> Bool {
        (left.namespace, left.name, left.kind) < (right.namespace, right.name, right.kind)
    }
}
