internal import JSON

extension KubernetesError {
    /// What a request asked for and the server does not have. A later version may add values.
    public struct Missing: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case object, namespace, resourceType, api }

        private let value: Value

        /// An object of a type that the server serves.
        public static let object = Self(value: .object)
        /// The namespace of an object that was to be created.
        public static let namespace = Self(value: .namespace)
        /// The resource type, or the version of its group: its definition is not installed.
        public static let resourceType = Self(value: .resourceType)
        /// The whole Kubernetes API: the server's URL leads somewhere else.
        public static let api = Self(value: .api)

        public var description: String { value.rawValue }
    }

    /// Says what is missing, of a reply with 404.
    ///
    /// A server without the resource type answers before it knows of objects. Its reply names none, and usually is no
    /// `Status`.
    mutating func explainMissing(status: JSONValue?) {
        if let details = status?["details"], details["name"]?.string != nil {
            missing = details["kind"]?.string == "namespaces" ? .namespace : .object
        } else {
            missing = .resourceType
            message = "the server has no such resource type (\(message))"
        }
    }
}
