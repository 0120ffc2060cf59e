internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Planning

extension APIObject {
    func key(_ kind: ResourceKind) -> ResourceKey {
        ResourceKey(kind, namespace: metadata.namespace ?? "", name: metadata.name)
    }

    /// `creationTimestamp` without punctuation. It sorts as text.
    var created: String { (json["metadata"]?["creationTimestamp"]?.string ?? "").filter(\.isNumber) }

    /// The field manager that changed the object last, if that is another one.
    package func lastWriter(otherThan fieldManager: String) -> String? {
        let entries = json["metadata"]?["managedFields"]?.array ?? []
        // Times of RFC 3339 in UTC sort as text.
        return entries.filter { $0["manager"]?.string != fieldManager && $0["subresource"] == nil }
            .max { ($0["time"]?.string ?? "") < ($1["time"]?.string ?? "") }?["manager"]?.string
    }
}

extension ActualObject {
    init(_ object: APIObject, _ kind: ResourceKind) {
        self.init(
            key: object.key(kind), uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion,
            labels: object.metadata.labels, annotations: object.metadata.annotations, spec: object.json["spec"] ?? [:],
            generation: object.metadata.generation, isBeingDeleted: object.metadata.isBeingDeleted,
            created: object.created)
    }
}
