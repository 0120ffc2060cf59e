package import JSON

/// An object as the API server sent it: its metadata, and its whole content as JSON.
///
/// ```swift
/// struct ConfigMap: Codable { var data: [String: String]? }
///
/// let settings = try object.decode(ConfigMap.self).data
/// let color = object.content["data"]?["color"]?.string
/// ```
public struct APIObject: Sendable, Hashable {
    public let metadata: ObjectMetadata
    package let json: JSONValue

    /// - Returns: `nil` when `json` is no object with a name in its metadata.
    package init?(_ json: JSONValue) {
        guard let metadata = ObjectMetadata(json["metadata"]) else { return nil }
        self.metadata = metadata
        self.json = json
    }

    /// Makes an object from its content, such as one that a test needs.
    ///
    /// - Returns: `nil` when the content is no JSON object with a `metadata.name`.
    public init?(content: AnyJSON) { self.init(content.value) }

    /// The whole object as JSON, metadata included.
    public var content: AnyJSON { AnyJSON(json) }

    /// The whole object as JSON in UTF-8, in canonical form: keys sorted in byte order, no white space.
    public var bytes: [UInt8] { json.bytes }

    /// Decodes the whole object as a Swift type. ``AnyJSON/decode(_:)`` says how times and bytes are read.
    ///
    /// To write the object back, start from a type that holds all members of it, or from ``content``: a `replace`
    /// removes what the body lacks.
    ///
    /// - Throws: `KubernetesError` with `decodingFailed`. Its message names the object and the member that does not
    ///   fit; its `cause` is the decoder's error, which may quote the content.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(KubernetesError) -> Value {
        try JSONCoding.decode(type, from: json, "\(json["kind"]?.string ?? "the object") \(key)")
    }
}
