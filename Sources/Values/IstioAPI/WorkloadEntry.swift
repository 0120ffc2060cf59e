package import JSON

/// An endpoint that is an object of its own (`istio.networking.v1alpha3.WorkloadEntry`), as far as Isthmus writes one.
package struct WorkloadEntry: Hashable, Sendable {
    package var key: ResourceKey
    package var labels: [String: String]
    package var annotations: [String: String]
    /// Its labels are what a ServiceEntry selects it by.
    package var endpoint: ServiceEntry.Endpoint

    package init(
        key: ResourceKey, labels: [String: String], annotations: [String: String], endpoint: ServiceEntry.Endpoint
    ) {
        self.key = key
        self.labels = labels
        self.annotations = annotations
        self.endpoint = endpoint
    }

    /// The `spec` with just the fields that Isthmus decides on.
    package var spec: JSONValue { endpoint.json }

    /// What istiod or the CRD would refuse: `ValidateWorkloadEntry` of `istio/pkg/config/validation`, the limits and
    /// CEL rules of the CRD, as far as they concern fields that Isthmus writes.
    package var violations: [Violation] {
        var found = metadataViolations(key, labels, annotations)
        found += endpoint.violations(at: "spec", allowsHostName: true)
        return found.sorted { ($0.field, $0.reason) < ($1.field, $1.reason) }
    }
}

// MARK: - From a ServiceEntry

extension WorkloadEntry {
    /// The label by which a ServiceEntry selects its endpoints.
    package static let serviceLabel = "isthmus.mesh/service"

    /// The label by which telemetry names a workload's application.
    package static let canonicalNameLabel = "service.istio.io/canonical-name"

    private static let separator = ".e-"
    private static let hashLength = 16
    /// The ServiceEntry to which an object of this name belongs; `nil` where we give no such names.
    package static func serviceEntry(ofWorkload key: ResourceKey) -> ResourceKey? {
        let end = key.name.utf8.count - hashLength - separator.utf8.count
        guard key.kind == .workloadEntry, end > 0, key.name.dropFirst(end).hasPrefix(separator) else { return nil }
        return ResourceKey(namespace: key.namespace, name: String(key.name.prefix(end)))
    }

    fileprivate static func name(_ endpoint: ServiceEntry.Endpoint, of entry: String) -> String {
        let ports = endpoint.ports.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return entry + separator + StableHash.text(of: "\(endpoint.address) \(ports)", digits: hashLength)
    }
}

extension ServiceEntry {
    /// Selects the endpoints of this entry, and of no other one of the namespace.
    package static func selector(forEntry name: String) -> [String: String] {
        [WorkloadEntry.serviceLabel: StableHash.text(of: name, digits: 16)]
    }

    /// Where an endpoint stands when it is an object of its own. The name depends on address and port only.
    package func workloadKey(of endpoint: Endpoint) -> ResourceKey {
        ResourceKey(.workloadEntry, namespace: key.namespace, name: WorkloadEntry.name(endpoint, of: key.name))
    }

    /// An endpoint as an object of its own. The label is in the `spec` too, which is where istiod looks.
    package func workload(of endpoint: Endpoint) -> WorkloadEntry {
        let selector = workloadSelector ?? Self.selector(forEntry: key.name)
        let keepNew = { (_: String, new: String) in new }
        var endpoint = endpoint
        let key = workloadKey(of: endpoint)
        endpoint.labels.merge(selector, uniquingKeysWith: keepNew)
        return WorkloadEntry(
            key: key, labels: labels.merging(selector, uniquingKeysWith: keepNew),
            annotations: annotations.merging(endpoint.annotations, uniquingKeysWith: keepNew), endpoint: endpoint)
    }
}

extension ServiceEntry {
    /// With its endpoints as a part of it.
    package var inlined: ServiceEntry {
        var entry = self
        entry.workloadSelector = nil
        return entry
    }

    /// As it stands in a cluster beside its WorkloadEntries: a change of these is none of it.
    package var selecting: ServiceEntry {
        var entry = self
        entry.endpoints = []
        return entry
    }
}
