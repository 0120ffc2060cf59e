package import JSON

/// An object as the API server sent it.
public struct APIObject: Sendable, Hashable {
    public let metadata: ObjectMetadata
    package let json: JSONValue

    /// - Returns: `nil` when `json` is no object with a name in its metadata.
    package init?(_ json: JSONValue) {
        guard let metadata = ObjectMetadata(json["metadata"]) else { return nil }
        self.metadata = metadata
        self.json = json
    }

    /// The object as JSON in canonical form: keys sorted, no white space.
    public var bytes: [UInt8] { json.bytes }
}
