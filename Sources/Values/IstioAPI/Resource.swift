package import JSON

/// What is written: one object of the cluster.
package enum Resource: Hashable, Sendable {
    case serviceEntry(ServiceEntry)
    case workloadEntry(WorkloadEntry)
    case destinationRule(DestinationRule)
    /// An object that an operator published, of any kind.
    case manifest(Manifest)

    package var key: ResourceKey {
        switch self {
        case .serviceEntry(let entry): entry.key
        case .workloadEntry(let entry): entry.key
        case .destinationRule(let rule): rule.key
        case .manifest(let manifest): manifest.key
        }
    }

    package var labels: [String: String] {
        switch self {
        case .serviceEntry(let entry): entry.labels
        case .workloadEntry(let entry): entry.labels
        case .destinationRule(let rule): rule.labels
        case .manifest(let manifest): manifest.labels
        }
    }

    package var annotations: [String: String] {
        switch self {
        case .serviceEntry(let entry): entry.annotations
        case .workloadEntry(let entry): entry.annotations
        case .destinationRule(let rule): rule.annotations
        case .manifest(let manifest): manifest.annotations
        }
    }

    /// The `spec` with just the fields that Isthmus decides on.
    package var spec: JSONValue {
        switch self {
        case .serviceEntry(let entry): entry.spec
        case .workloadEntry(let entry): entry.spec
        case .destinationRule(let rule): rule.spec
        case .manifest(let manifest): manifest.spec
        }
    }

    /// Whether all fields of the `spec` are ours, so that what is not wanted goes.
    package var ownsWholeSpec: Bool {
        if case .manifest = self { true } else { false }
    }

    /// How large its endpoints are as JSON, about, in bytes.
    package var endpointBytes: Int {
        switch self {
        case .serviceEntry(let entry): entry.endpointBytes
        case .workloadEntry(let entry): entry.endpoint.byteCount
        case .destinationRule, .manifest: 0
        }
    }

    /// What istiod or the CRD would refuse.
    package var violations: [Violation] {
        switch self {
        case .serviceEntry(let entry): entry.violations
        case .workloadEntry(let entry): entry.violations
        case .destinationRule(let rule): rule.violations
        case .manifest(let manifest): manifest.violations
        }
    }

    /// The whole object, as it is created.
    /// - Parameter version: The API version to write, such as `v1beta1`; the schemas of all are the same.
    package func json(version: String) -> JSONValue {
        [
            "apiVersion": .string("\(ResourceKind.group)/\(version)"),
            "kind": .string(key.kind.rawValue),
            "metadata": [
                "name": .string(key.name), "namespace": .string(key.namespace),
                "labels": JSONValue(strings: labels), "annotations": JSONValue(strings: annotations),
            ],
            "spec": spec,
        ]
    }
}

extension ResourceKind {
    /// The fields of `spec` that are nobody else's even where they are not wanted: what stands in them goes.
    package var exclusiveFields: Set<String> {
        switch self {
        // Only one of them can be there.
        case .serviceEntry: ["endpoints", "workloadSelector"]
        case .workloadEntry: ["address", "labels", "locality", "ports", "weight"]
        case .destinationRule: ["trafficPolicy"]
        case .virtualService, .sidecar, .envoyFilter: []
        }
    }
}
