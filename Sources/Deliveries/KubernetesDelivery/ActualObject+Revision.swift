package import IstioAPI
package import JSON
package import Planning

/// Which object of a name the API server has, and which version of it.
private struct ObjectRevision: Sendable, Hashable {
    var uid: String
    var resourceVersion: String
    var generation: Int64
    var isBeingDeleted: Bool
    var created: String
}

extension ActualObject {
    package init(
        key: ResourceKey, uid: String, resourceVersion: String, labels: [String: String],
        annotations: [String: String], spec: JSONValue, generation: Int64 = 0, isBeingDeleted: Bool = false,
        created: String = ""
    ) {
        let revision = ObjectRevision(
            uid: uid, resourceVersion: resourceVersion, generation: generation, isBeingDeleted: isBeingDeleted,
            created: created)
        self.init(
            key: key, revision: Revision(revision), labels: labels, annotations: annotations, spec: spec)
    }

    package var uid: String { objectRevision?.uid ?? "" }
    package var resourceVersion: String { objectRevision?.resourceVersion ?? "" }

    /// The number of changes to `spec`; 0 where it is unknown.
    package var generation: Int64 { objectRevision?.generation ?? 0 }
    /// Whether somebody deleted the object, and its finalizers keep it.
    package var isBeingDeleted: Bool { objectRevision?.isBeingDeleted ?? false }
    /// `creationTimestamp` without punctuation, such as `20261201095856`: a text that needs no memory of its own.
    package var created: String { objectRevision?.created ?? "" }

    private var objectRevision: ObjectRevision? { revision?.content(as: ObjectRevision.self) }
}
