internal import IstioAPI
internal import JSON
internal import Planning

/// An object kept as its text. As values it would take several times as much memory, and most objects are looked at
/// seldom.
struct StoredObject: Sendable, Hashable {
    let key: ResourceKey
    let uid: String
    private(set) var resourceVersion: String
    private let generation: Int64
    let isBeingDeleted: Bool
    let created: String
    /// Of labels and annotations.
    private let metadataHash: Int
    /// Whether it is a ServiceEntry whose endpoints are objects of their own.
    let selectsWorkloads: Bool
    /// Labels, annotations and `spec`.
    private let content: [UInt8]

    init(_ object: ActualObject) {
        key = object.key
        uid = object.uid
        resourceVersion = object.resourceVersion
        generation = object.generation
        isBeingDeleted = object.isBeingDeleted
        created = object.created
        metadataHash = object.metadataHash
        selectsWorkloads = object.selectsWorkloads
        let content: JSONValue = [
            "annotations": JSONValue(strings: object.annotations), "labels": JSONValue(strings: object.labels),
            "spec": object.spec,
        ]
        // A copy of the text's exact size: an array that has grown keeps spare room.
        self.content = content.bytes.withUnsafeBufferPointer { Array($0) }
    }

    var object: ActualObject {
        // The text was written from a value that had been parsed before, so it can be parsed again.
        let content = (try? JSONValue(parsing: content)) ?? [:]
        return ActualObject(
            key: key, uid: uid, resourceVersion: resourceVersion, labels: content["labels"]?.strings ?? [:],
            annotations: content["annotations"]?.strings ?? [:], spec: content["spec"] ?? [:], generation: generation,
            isBeingDeleted: isBeingDeleted, created: created)
    }

    /// Takes over a newer version that differs in nothing that is kept, such as one with another `status`.
    /// - Parameter newer: The object without its `spec`.
    /// - Returns: `false` where the content may differ.
    mutating func takeVersion(of newer: ActualObject) -> Bool {
        guard generation > 0, newer.generation == generation, newer.uid == uid, newer.isBeingDeleted == isBeingDeleted,
            newer.metadataHash == metadataHash
        else { return false }
        resourceVersion = newer.resourceVersion
        return true
    }
}

extension ActualObject {
    fileprivate var metadataHash: Int {
        var hasher = Hasher()
        hasher.combine(labels)
        hasher.combine(annotations)
        return hasher.finalize()
    }
}
