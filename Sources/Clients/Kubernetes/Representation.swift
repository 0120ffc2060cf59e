/// How much of an object the server sends.
public enum Representation: Sendable, Hashable {
    /// All of it.
    case full
    /// Only `metadata` (`PartialObjectMetadata` of meta.k8s.io/v1): cheap to send and to keep.
    case metadataOnly
}

extension Representation {
    static let json = "application/json"

    /// The `Accept` header for a list. Plain JSON is the fallback for extension servers that know no transformation.
    var acceptingList: String {
        switch self {
        case .full: Self.json
        case .metadataOnly: "\(Self.json);as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,\(Self.json)"
        }
    }

    /// The `Accept` header for a single object, and for the objects in a watch.
    var acceptingObject: String {
        switch self {
        case .full: Self.json
        case .metadataOnly: "\(Self.json);as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\(Self.json)"
        }
    }
}
