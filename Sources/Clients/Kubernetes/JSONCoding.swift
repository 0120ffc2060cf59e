internal import FoundationEssentials
internal import JSON

/// Converts between JSON and `Codable` types, by the conventions of the Kubernetes API (meta/v1): times are texts of
/// RFC 3339, bytes are texts in base64.
enum JSONCoding {
    /// - Parameter what: the value's name in an error.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from json: JSONValue, _ what: @autoclosure () -> String
    ) throws(KubernetesError) -> Value {
        if let json = AnyJSON(json) as? Value { return json }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = date(try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "the text is no RFC 3339 time")
            }
            return date
        }
        do {
            return try decoder.decode(type, from: Data(json.bytes))
        } catch {
            throw KubernetesError(
                code: .decodingFailed, message: "\(what()) cannot be decoded as \(type): \(reason(error))", cause: error
            )
        }
    }

    /// - Parameter what: the value's name in an error.
    static func bytes(of value: some Encodable, _ what: @autoclosure () -> String) throws(KubernetesError) -> [UInt8] {
        switch value {
        case let json as AnyJSON: return json.bytes
        case let json as JSONValue: return json.bytes
        default: break
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw KubernetesError(code: .encodingFailed, message: "\(what()) cannot be encoded as JSON", cause: error)
        }
    }

    /// - Parameter what: the value's name in an error.
    static func json(of value: some Encodable, _ what: @autoclosure () -> String) throws(KubernetesError) -> JSONValue {
        switch value {
        case let json as AnyJSON: return json.value
        case let json as JSONValue: return json
        default: break
        }
        let bytes = try bytes(of: value, what())
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw KubernetesError(code: .encodingFailed, message: "the encoding of \(what()) is \(error)")
        }
    }

    /// Reads a time of RFC 3339, with or without a fraction of the second.
    static func date(_ text: String) -> Date? {
        let whole = Date.ISO8601FormatStyle(includingFractionalSeconds: false)
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? whole.parse(text)) ?? (try? fractional.parse(text))
    }

    /// Says which member does not fit, and never which value it has: the content may be secret.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the type refuses the content" }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
        case .valueNotFound(let type, let context): return "\(path(context.codingPath)) is null, not \(type)"
        case .typeMismatch(let type, let context): return "\(path(context.codingPath)) is not of the type \(type)"
        case .dataCorrupted(let context): return "\(path(context.codingPath)) has a value that the type refuses"
        @unknown default: return "the type refuses the content"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return path.isEmpty ? "the value" : path
    }
}
