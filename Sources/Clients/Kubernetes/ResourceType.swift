/// A kind of object that the API server serves, at one version.
public struct ResourceType: Sendable, Hashable {
    /// The API group; empty for the core group.
    public var group: String
    /// Such as `v1` or `v1beta1`.
    public var version: String
    /// The name in URLs, such as `configmaps`.
    public var plural: String
    /// The name in objects, such as `ConfigMap`.
    public var kind: String

    public init(group: String, version: String, plural: String, kind: String) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
    }

    /// What stands in an object's `apiVersion`.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}
