package import IstioAPI
package import JSON

/// An object as the API server has it.
package struct ActualObject: Sendable, Hashable {
    package var key: ResourceKey
    package var uid: String
    package var resourceVersion: String
    package var labels: [String: String]
    package var annotations: [String: String]
    package var spec: JSONValue

    package init(
        key: ResourceKey, uid: String, resourceVersion: String, labels: [String: String],
        annotations: [String: String], spec: JSONValue
    ) {
        self.key = key
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
    }
}

/// Which objects are ours, and which of their annotations.
package struct Ownership: Sendable, Hashable {
    /// All of them, with these values.
    package var labels: [String: String]
    package var annotationPrefix: String

    package init(labels: [String: String], annotationPrefix: String) {
        self.labels = labels
        self.annotationPrefix = annotationPrefix
    }

    package func covers(_ object: ActualObject) -> Bool {
        labels.allSatisfy { object.labels[$0.key] == $0.value }
    }

    /// As the API server wants to be asked for our objects.
    package var labelSelector: String {
        labels.sorted(by: <).map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

extension ActualObject {
    /// Whether it is a ServiceEntry whose endpoints are objects of their own.
    package var selectsWorkloads: Bool { key.kind == .serviceEntry && spec["workloadSelector"] != nil }
}
