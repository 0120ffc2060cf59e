package import JSON

/// An object of the cluster as istiod reads it: a ServiceEntry, a WorkloadEntry, a DestinationRule or a Kubernetes
/// Service.
package struct ConfigObject: Hashable, Sendable {
    package var kind: String
    package var namespace: String
    package var name: String
    /// `creationTimestamp` as the API server writes it: RFC 3339 in UTC, in whole seconds. It sorts as text.
    package var created: String
    package var labels: [String: String]
    package var annotations: [String: String]
    package var spec: JSONValue
    package var status: JSONValue

    package init(
        kind: String, namespace: String, name: String, created: String = "", labels: [String: String] = [:],
        annotations: [String: String] = [:], spec: JSONValue, status: JSONValue = .null
    ) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.created = created
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
        self.status = status
    }

    /// Reads an object as the API server writes it; `nil` without a kind or a name.
    /// - Parameter kind: For an object that doesn't say its kind, such as an element of a list.
    package init?(_ json: JSONValue, kind: ResourceKind? = nil) {
        guard let kind = kind?.rawValue ?? json["kind"]?.string, let metadata = json["metadata"],
            let name = metadata["name"]?.string
        else { return nil }
        self.init(
            kind: kind, namespace: metadata["namespace"]?.string ?? "", name: name,
            created: metadata["creationTimestamp"]?.string ?? "", labels: metadata["labels"]?.strings ?? [:],
            annotations: metadata["annotations"]?.strings ?? [:], spec: json["spec"] ?? [:],
            status: json["status"] ?? .null)
    }

    /// An object that Isthmus writes.
    package init(_ resource: Resource, created: String = "") {
        self.init(
            kind: resource.key.kind.rawValue, namespace: resource.key.namespace, name: resource.key.name,
            created: created, labels: resource.labels, annotations: resource.annotations, spec: resource.spec)
    }
}

extension JSONValue {
    /// The string elements of an array; nothing for anything else.
    package var texts: [String] { array?.compactMap(\.string) ?? [] }

    /// A number that can be a port, but not 0, which protobuf can't tell from an absent one.
    package var portNumber: UInt16? {
        integer.flatMap { UInt16(exactly: $0) }.flatMap { $0 == 0 ? nil : $0 }
    }
}
