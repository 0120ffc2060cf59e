internal import JSON
internal import Text

/// One step from the bytes that a registry keeps to a value with fields.
package enum Decoding: String, Sendable, CaseIterable {
    // From bytes to bytes.
    case percent
    case base64
    case hex
    case zlib
    /// A serialised `java.lang.String`. Other bytes stay as they are.
    case javaString = "java-string"
    /// `a/b/c` becomes `c.b.a`, the way in which SkyDNS keeps names.
    case reversed
    // From bytes to a value. Nothing follows them.
    case json
    /// `scheme://host:port/path?name=value`; see `URLFields`.
    case url
    /// `name=value&name=value`.
    case query

    var isLast: Bool {
        switch self {
        case .percent, .base64, .hex, .zlib, .javaString, .reversed: false
        case .json, .url, .query: true
        }
    }
}

/// Why bytes are not what the declaration says.
struct DecodingFailure: Error, Hashable {
    var reason: String
}

extension Decoding {
    /// The longest content after decompression.
    static let contentLimit = 1 << 20

    /// Applies the steps in their order. Bytes that no step makes a value of are text.
    static func decode(_ bytes: [UInt8], _ steps: [Decoding]) throws(DecodingFailure) -> JSONValue {
        var bytes = bytes
        for step in steps {
            switch step {
            case .percent:
                guard let decoded = bytes.withUnsafeBufferPointer({ PercentEncoding.decoded($0, plusIsSpace: false) })
                else { throw DecodingFailure(reason: "a '%' is not followed by two hexadecimal digits") }
                bytes = decoded
            case .base64:
                guard let decoded = Base64.decoded(bytes) else { throw DecodingFailure(reason: "it is not base64") }
                bytes = decoded
            case .hex:
                guard let decoded = hexDecoded(bytes) else { throw DecodingFailure(reason: "it is not hexadecimal") }
                bytes = decoded
            case .zlib: bytes = try Inflate.zlib(bytes, limit: contentLimit)
            case .javaString: bytes = try javaString(bytes)
            case .reversed:
                let parts = bytes.split(separator: UInt8(ascii: "/")).reversed()
                bytes = Array(parts.joined(separator: [UInt8(ascii: ".")]))
            case .json:
                do throws(JSONError) {
                    return try JSONValue(parsing: bytes)
                } catch {
                    throw DecodingFailure(reason: "it is \(error)")
                }
            case .url: return try URLFields.value(of: text(bytes))
            case .query: return URLFields.query(of: try text(bytes)[...])
            }
        }
        return .string(try text(bytes))
    }

    private static func text(_ bytes: [UInt8]) throws(DecodingFailure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DecodingFailure(reason: "it is not UTF-8 text")
        }
        return text
    }

    private static func hexDecoded(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count / 2)
        for index in stride(from: 0, to: bytes.count, by: 2) {
            guard let high = hexValue(bytes[index]), let low = hexValue(bytes[index + 1]) else { return nil }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        byte < 0x80 ? Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) : nil
    }

    /// The content of a serialised string: a magic number, a version, a tag, a length, modified UTF-8.
    private static func javaString(_ bytes: [UInt8]) throws(DecodingFailure) -> [UInt8] {
        guard bytes.starts(with: [0xAC, 0xED, 0x00, 0x05]) else { return bytes }
        let lengthBytes: Int
        switch bytes.dropFirst(4).first {
        case 0x74: lengthBytes = 2
        case 0x7C: lengthBytes = 8
        default: throw DecodingFailure(reason: "it is a serialised object of Java, and not a string")
        }
        let rest = bytes.dropFirst(5)
        let length = rest.prefix(lengthBytes).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let content = rest.dropFirst(lengthBytes)
        guard rest.count >= lengthBytes, length == UInt64(content.count) else {
            throw DecodingFailure(reason: "it is a serialised string of Java of another length than it says")
        }
        return Array(content)
    }
}

/// Base64 of RFC 4648 in both alphabets, with or without padding.
private enum Base64 {
    static func decoded(_ bytes: [UInt8]) -> [UInt8]? {
        let content = bytes.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
        guard bytes.count - content.count <= 2, content.count % 4 != 1 else { return nil }
        var decoded: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in content {
            guard let value = value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return decoded
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
