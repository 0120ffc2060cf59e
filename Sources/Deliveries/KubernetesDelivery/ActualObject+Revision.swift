package import IstioAPI
package import JSON
package import Planning

/// Which object of a name the API server has, and which version of it.
private struct ObjectRevision: Sendable, Hashable {
    var uid: String
    var resourceVersion: String
}

extension ActualObject {
    package init(
        key: ResourceKey, uid: String, resourceVersion: String, labels: [String: String],
        annotations: [String: String], spec: JSONValue
    ) {
        self.init(
            key: key, revision: Revision(ObjectRevision(uid: uid, resourceVersion: resourceVersion)), labels: labels,
            annotations: annotations, spec: spec)
    }

    package var uid: String { objectRevision?.uid ?? "" }
    package var resourceVersion: String { objectRevision?.resourceVersion ?? "" }

    private var objectRevision: ObjectRevision? { revision?.content(as: ObjectRevision.self) }
}
