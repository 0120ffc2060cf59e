/// The name and namespace of an object, which no two objects of one type share at a time.
public struct ObjectKey: Sendable, Hashable {
    /// `nil` for cluster-scoped objects.
    public var namespace: String?
    public var name: String

    public init(namespace: String?, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension ObjectKey: CustomStringConvertible {
    /// `namespace/name`, or the name alone.
    public var description: String { namespace.map { "\($0)/\(name)" } ?? name }
}

extension APIObject { public var key: ObjectKey { ObjectKey(namespace: metadata.namespace, name: metadata.name) } }
