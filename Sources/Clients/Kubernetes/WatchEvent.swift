internal import JSON
internal import NIOCore

/// A change that a watch reports (`WatchEvent` of meta/v1).
///
/// ```swift
/// for try await event in client.watch(configMaps, from: version) {
///     switch event.kind {
///     case .added, .modified: cache(event.object)
///     case .deleted: remove(event.object)
///     default: break
///     }
///     version = event.resourceVersion
/// }
/// ```
public struct WatchEvent: Sendable, Hashable {
    /// What happened. A later version may add values.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case added, modified, deleted, bookmark }

        private let value: Value

        /// An object was created, or began to match the selector.
        public static let added = Self(value: .added)
        /// An object was changed.
        public static let modified = Self(value: .modified)
        /// An object was deleted, or no longer matches the selector. The event holds its last state.
        public static let deleted = Self(value: .deleted)
        /// Nothing else changed up to the event's resource version. The event holds no object.
        public static let bookmark = Self(value: .bookmark)

        public var description: String { value.rawValue }
    }

    public let kind: Kind
    /// The object after the change; `nil` for a bookmark.
    public let object: APIObject?
    /// The version of the collection after this event. A later watch may start from it.
    public let resourceVersion: String
}

extension WatchEvent {
    static func added(_ object: APIObject) -> Self { Self(.added, object) }
    static func modified(_ object: APIObject) -> Self { Self(.modified, object) }
    static func deleted(_ object: APIObject) -> Self { Self(.deleted, object) }
    static func bookmark(resourceVersion: String) -> Self {
        Self(kind: .bookmark, object: nil, resourceVersion: resourceVersion)
    }

    private init(_ kind: Kind, _ object: APIObject) {
        self.init(kind: kind, object: object, resourceVersion: object.metadata.resourceVersion)
    }

    /// Reads one line of a watch.
    ///
    /// - Returns: `nil` for an event of an unknown type.
    /// - Throws: `KubernetesError`: what an `ERROR` event says, or `malformedReply`.
    init?(line: ByteBuffer, of label: String) throws(KubernetesError) {
        let event: JSONValue
        do throws(JSONError) {
            event = try JSONValue(parsing: line.readableBytesView)
        } catch {
            throw Self.malformed(label, "a watch event is \(error)")
        }
        guard let type = event["type"]?.string, let object = event["object"] else {
            throw Self.malformed(label, "a watch event has no type or no object")
        }
        switch type {
        case "ADDED": self = .added(try Self.object(object, label))
        case "MODIFIED": self = .modified(try Self.object(object, label))
        case "DELETED": self = .deleted(try Self.object(object, label))
        case "BOOKMARK":
            guard let version = object["metadata"]?["resourceVersion"]?.string, !version.isEmpty else {
                throw Self.malformed(label, "a bookmark has no resource version")
            }
            self = .bookmark(resourceVersion: version)
        case "ERROR": throw KubernetesError(status: object, httpStatus: nil, path: label)
        default: return nil
        }
    }

    private static func object(_ json: JSONValue, _ label: String) throws(KubernetesError) -> APIObject {
        guard let object = APIObject(json), !object.metadata.resourceVersion.isEmpty else {
            throw malformed(label, "a watch event's object has no name or no resource version")
        }
        return object
    }

    private static func malformed(_ label: String, _ why: String) -> KubernetesError {
        KubernetesError(code: .malformedReply, message: why, path: label)
    }
}
