import FoundationEssentials
import IsthmusTesting
import JSON
import Testing

/// `Tests/Fixtures/xds/messages.json`: what another implementation of Protocol Buffers made.
struct RecordedMessages {
    struct Object: CustomTestStringConvertible {
        var json: JSONValue
        var name: String { json["name"]?.string ?? "" }
        var spec: JSONValue { json["spec"] ?? .null }
        var body: [UInt8] { json["body"]?.octets ?? [] }
        var any: [UInt8] { json["any"]?.octets ?? [] }
        var testDescription: String { name }
    }

    var objects: [Object]
    /// A real istiod's conversation.
    var recorded: [JSONValue]

    static func read() throws -> RecordedMessages {
        let path = "\(ServerTools.packageRoot)/Tests/Fixtures/xds/messages.json"
        let json = try JSONValue(parsing: String(contentsOfFile: path, encoding: .utf8).utf8)
        return RecordedMessages(
            objects: (json["resources"]?.array ?? []).map { Object(json: $0) }, recorded: json["recorded"]?.array ?? [])
    }
}

extension JSONValue {
    /// The bytes that hexadecimal text stands for.
    var octets: [UInt8]? {
        guard let text = string else { return nil }
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap { start in
            UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16)
        }
    }
}
