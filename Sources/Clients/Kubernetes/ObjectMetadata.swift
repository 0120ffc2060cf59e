internal import JSON

/// The parts of an object's `metadata` that clients act on (`ObjectMeta` of meta/v1).
public struct ObjectMetadata: Sendable, Hashable {
    public var name: String
    /// `nil` for cluster-scoped objects.
    public var namespace: String?
    /// Unique over all time: tells an object from a later one of the same name.
    public var uid: String
    /// Opaque; compare for equality only.
    public var resourceVersion: String
    /// Counts changes of the specification, for types that keep a status apart; else 0 or 1.
    public var generation: Int64
    public var labels: [String: String]
    public var annotations: [String: String]
    /// Whether the object was deleted and only waits for its finalizers.
    public var isBeingDeleted: Bool

    public init(
        name: String, namespace: String? = nil, uid: String = "", resourceVersion: String = "", generation: Int64 = 0,
        labels: [String: String] = [:], annotations: [String: String] = [:], isBeingDeleted: Bool = false
    ) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.generation = generation
        self.labels = labels
        self.annotations = annotations
        self.isBeingDeleted = isBeingDeleted
    }
}

extension ObjectMetadata {
    /// `nil` when there is no name: then it is no object's metadata.
    init?(_ json: JSONValue?) {
        guard let json, let name = json["name"]?.string else { return nil }
        self.init(
            name: name,
            namespace: json["namespace"]?.string,
            uid: json["uid"]?.string ?? "",
            resourceVersion: json["resourceVersion"]?.string ?? "",
            generation: json["generation"]?.integer ?? 0,
            labels: json["labels"]?.strings ?? [:],
            annotations: json["annotations"]?.strings ?? [:],
            isBeingDeleted: json["deletionTimestamp"]?.string != nil)
    }
}
