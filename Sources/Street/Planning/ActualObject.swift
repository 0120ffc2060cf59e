package import IstioAPI
package import JSON

/// An object as the other side of a delivery has it.
package struct ActualObject: Sendable, Hashable {
    package var key: ResourceKey
    /// The state that was read; `nil` where the other side has no revisions, as in a directory.
    package var revision: Revision?
    package var labels: [String: String]
    package var annotations: [String: String]
    package var spec: JSONValue

    package init(
        key: ResourceKey, revision: Revision?, labels: [String: String], annotations: [String: String],
        spec: JSONValue
    ) {
        self.key = key
        self.revision = revision
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
    }
}

/// The state of an object that a change was planned for.
///
/// It is opaque: only the delivery that read the object knows what is in it.
package struct Revision: Sendable, Hashable {
    private let content: any Hashable & Sendable

    package init(_ content: some Hashable & Sendable) {
        self.content = content
    }

    /// The content, for the delivery that put it in.
    package func content<Content>(as type: Content.Type) -> Content? { content as? Content }

    package static func == (one: Revision, other: Revision) -> Bool {
        one.content.isEqual(to: other.content)
    }

    package func hash(into hasher: inout Hasher) {
        content.hash(into: &hasher)
    }
}

extension Equatable {
    fileprivate func isEqual(to other: any Equatable) -> Bool { other as? Self == self }
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
