package import JSON

/// A JSON value (RFC 8259): the content of an object for which the program has no Swift type.
///
/// ```swift
/// var content = object.content
/// let color = content["data"]?["color"]?.string
/// content["data"]?["color"] = "blue"
/// ```
///
/// Literals make values, so that `["metadata": ["labels": ["app": "web"]]]` is the body of a patch. The members of an
/// object are sorted by key. Two values are equal exactly when their ``bytes`` are equal.
public struct AnyJSON: Sendable, Hashable {
    package var value: JSONValue

    package init(_ value: JSONValue) { self.value = value }
}

// MARK: - Making values

extension AnyJSON {
    public static let null = Self(JSONValue.null)

    public init(_ value: String) { self.init(JSONValue.string(value)) }
    public init(_ value: Int64) { self.init(JSONValue.integer(value)) }
    public init(_ value: Int) { self.init(JSONValue.integer(Int64(value))) }
    /// JSON has no infinity and no NaN: both are written as `null`.
    public init(_ value: Double) { self.init(JSONValue.double(value)) }
    public init(_ value: Bool) { self.init(JSONValue.bool(value)) }
    public init(_ elements: [AnyJSON]) { self.init(JSONValue.array(elements.map(\.value))) }

    public init(_ members: [String: AnyJSON]) {
        self.init(JSONValue.object(JSONObject(members.map { (key: $0.key, value: $0.value.value) })))
    }

    /// Reads one JSON document in UTF-8.
    ///
    /// Of members with the same key the last one counts. Integers beyond 64 bits become doubles.
    ///
    /// - Throws: `KubernetesError` with `decodingFailed` for bytes that are not one whole document, and for a document
    ///   that is nested more than 256 levels deep. The message names the offset of the byte.
    public init(parsing bytes: some Collection<UInt8>) throws(KubernetesError) {
        do throws(JSONError) {
            self.init(try JSONValue(parsing: bytes))
        } catch {
            throw KubernetesError(code: .decodingFailed, message: "the bytes are \(error)")
        }
    }

    /// Encodes a value by the rules that ``KubernetesClient`` follows for the bodies of its requests: see
    /// ``decode(_:)``.
    ///
    /// - Throws: `KubernetesError` with `encodingFailed`; its `cause` is the encoder's error.
    public init(encoding value: some Encodable) throws(KubernetesError) {
        self.init(try JSONCoding.json(of: value, "the value"))
    }
}

extension AnyJSON: ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int64) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }
    public init(booleanLiteral value: Bool) { self.init(value) }
    public init(arrayLiteral elements: AnyJSON...) { self.init(elements) }

    public init(dictionaryLiteral elements: (String, AnyJSON)...) {
        self.init(JSONValue.object(JSONObject(elements.map { (key: $0.0, value: $0.1.value) })))
    }
}

// MARK: - Reading and changing values

extension AnyJSON {
    /// A member of an object.
    ///
    /// It reads as `nil` where the key is missing or the value is no object. Setting `nil` removes the member. Setting
    /// a member of a value that is no object makes it an object.
    public subscript(key: String) -> AnyJSON? {
        get { value[key].map { AnyJSON($0) } }
        set {
            var object = value.object ?? JSONObject()
            object[key] = newValue?.value
            value = .object(object)
        }
    }

    /// The text; `nil` where the value is no string.
    public var string: String? { value.string }
    /// The number; `nil` where the value is no integer of 64 bits. `1.0` is no integer.
    public var integer: Int64? { value.integer }
    /// The number; `nil` where the value is no number. An integer beyond 2⁵³ is rounded.
    public var double: Double? {
        switch value {
        case .double(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
    /// The truth value; `nil` where the value is neither `true` nor `false`.
    public var bool: Bool? { value.bool }
    /// The elements; `nil` where the value is no array.
    public var array: [AnyJSON]? { value.array?.map { AnyJSON($0) } }
    /// The members; `nil` where the value is no object.
    public var object: [String: AnyJSON]? {
        guard let members = value.object?.members else { return nil }
        var result: [String: AnyJSON] = [:]
        for member in members { result[member.key] = AnyJSON(member.value) }
        return result
    }
    public var isNull: Bool { value == .null }

    /// The value as JSON in UTF-8, in canonical form: keys sorted in byte order, no white space.
    public var bytes: [UInt8] { value.bytes }

    /// Decodes the value as a Swift type, by the conventions of the Kubernetes API (meta/v1).
    ///
    /// A `Date` is a text of RFC 3339, such as `Time` and `MicroTime`: it is read with and without a fraction of the
    /// second, and written without. A `Data` is a text in base64, as in the data of a `Secret`.
    ///
    /// - Throws: `KubernetesError` with `decodingFailed`. Its message names the member that does not fit; its `cause`
    ///   is the decoder's error, which may quote the content.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(KubernetesError) -> Value {
        try JSONCoding.decode(type, from: value, "the JSON value")
    }
}

extension AnyJSON: Codable {
    public init(from decoder: any Decoder) throws { self.init(try JSONValue(from: decoder)) }
    public func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
