internal import JSON
internal import NIOCore

/// A change that a watch reports.
public enum WatchEvent: Sendable, Hashable {
    /// An object came to be, or came to match the selector.
    case added(APIObject)
    case modified(APIObject)
    /// An object is gone, or no longer matches the selector; here is its last state.
    case deleted(APIObject)
    /// Nothing changed up to this resource version: a later watch may start there.
    case bookmark(resourceVersion: String)
}

extension WatchEvent {
    /// Reads one line of a watch.
    ///
    /// - Returns: `nil` for a type that this client does not know.
    /// - Throws: what an `ERROR` event says, or `malformedReply`.
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
