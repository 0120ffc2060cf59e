internal import JSON

/// The fields of an object's `metadata` that clients act on (`ObjectMeta` of meta/v1).
///
/// The other fields, such as `ownerReferences` and `finalizers`, are in ``APIObject/content``.
public struct ObjectMetadata: Sendable, Hashable {
    public var name: String
    /// `nil` for cluster-scoped objects.
    public var namespace: String?
    /// A name that no other object ever has. It distinguishes an object from a later one of the same name.
    public var uid: String
    /// The version of the object's content. Compare it for equality only: its form is the server's own.
    public var resourceVersion: String
    /// The number of changes to the specification, for types with a status subresource; 0 or 1 for other types.
    public var generation: Int64
    public var labels: [String: String]
    public var annotations: [String: String]
    /// Whether the object was deleted and stays only until its finalizers are gone.
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
    /// - Returns: `nil` when `json` has no name, and so is no object's metadata.
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
