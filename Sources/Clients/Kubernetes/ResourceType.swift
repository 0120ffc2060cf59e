/// A type of objects that the API server serves, at one version of its API group.
public struct ResourceType: Sendable, Hashable {
    /// The API group, such as `networking.istio.io`; empty for the core group.
    public var group: String
    /// The version in the group, such as `v1` or `v1beta1`.
    public var version: String
    /// The type's name in URLs, such as `configmaps`.
    public var plural: String
    /// The type's name in objects, such as `ConfigMap`.
    public var kind: String

    public init(group: String, version: String, plural: String, kind: String) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
    }

    /// The value of `apiVersion` in an object of this type.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}
