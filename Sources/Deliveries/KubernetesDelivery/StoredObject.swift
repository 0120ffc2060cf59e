internal import IstioAPI
internal import JSON
internal import Planning

/// An object in the memory of its text: as values it would take several times as much, and most objects are looked at seldom.
struct StoredObject: Sendable, Hashable {
    let key: ResourceKey
    let uid: String
    let resourceVersion: String
    /// Whether it is a ServiceEntry whose endpoints are objects of their own.
    let selectsWorkloads: Bool
    /// Labels, annotations and `spec`.
    private let content: [UInt8]

    init(_ object: ActualObject) {
        key = object.key
        uid = object.uid
        resourceVersion = object.resourceVersion
        selectsWorkloads = object.selectsWorkloads
        let content: JSONValue = [
            "annotations": JSONValue(strings: object.annotations), "labels": JSONValue(strings: object.labels),
            "spec": object.spec,
        ]
        // As long as the text is: what an array has room for while it grows would be kept too.
        self.content = content.bytes.withUnsafeBufferPointer { Array($0) }
    }

    var object: ActualObject {
        // It was written from a value, and none is nested deeper than it was when it was read from the API server.
        let content = (try? JSONValue(parsing: content)) ?? [:]
        return ActualObject(
            key: key, uid: uid, resourceVersion: resourceVersion, labels: content["labels"]?.strings ?? [:],
            annotations: content["annotations"]?.strings ?? [:], spec: content["spec"] ?? [:])
    }
}
