/// A part of an object that has a URL of its own, and often permissions of its own (`<plural>/<name>` in a Role).
public struct Subresource: Sendable, Hashable {
    /// The last part of the URL path, such as `status`.
    public var name: String

    /// - Parameter name: the last part of the URL path.
    public init(_ name: String) { self.name = name }
}

extension Subresource {
    /// The object's `status`, of types that keep it apart.
    ///
    /// A write of it changes the status alone. A write of the whole object ignores the status in its body. Requests and
    /// replies hold the whole object.
    public static let status = Self("status")
    /// The number of replicas, of types that can be scaled. Requests and replies hold a `Scale` of autoscaling/v1.
    public static let scale = Self("scale")
}
