/// How much of an object the server sends. A later version may add values.
public struct Representation: Sendable, Hashable {
    private enum Value { case full, metadataOnly }

    private let value: Value

    /// The whole object.
    public static let full = Self(value: .full)
    /// Only `metadata` (`PartialObjectMetadata` of meta.k8s.io/v1), which is cheap to send and to keep.
    public static let metadataOnly = Self(value: .metadataOnly)
}

extension Representation {
    static let json = "application/json"

    /// The `Accept` header for a list. Extension servers that know no `PartialObjectMetadata` fall back to plain JSON.
    var acceptingList: String {
        switch value {
        case .full: Self.json
        case .metadataOnly: "\(Self.json);as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,\(Self.json)"
        }
    }

    /// The `Accept` header for a single object, and for the objects in a watch.
    var acceptingObject: String {
        switch value {
        case .full: Self.json
        case .metadataOnly: "\(Self.json);as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\(Self.json)"
        }
    }
}
