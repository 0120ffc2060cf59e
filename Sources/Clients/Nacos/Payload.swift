/// The one message of Nacos' gRPC services, as bytes of Protocol Buffers.
///
///     message Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
///     message Payload { Metadata metadata = 2; google.protobuf.Any body = 3; }
///
/// A generated codec of these three messages would bring a library of Protocol Buffers for a hundred lines.
struct Payload: Hashable, Sendable {
    /// The class of the request or the answer, such as `SubscribeServiceRequest`.
    var type: String
    var headers: [String: String] = [:]
    var clientIP = ""
    /// JSON in UTF-8.
    var body: [UInt8]
}

// MARK: - Writing

extension Payload {
    /// The bytes. Equal payloads have equal bytes: headers are sorted by name.
    var bytes: [UInt8] {
        var metadata = ProtobufWriter()
        metadata.write(type, field: 3)
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            var entry = ProtobufWriter()
            entry.write(name, field: 1)
            entry.write(value, field: 2)
            metadata.write(entry.bytes, field: 7)
        }
        if !clientIP.isEmpty { metadata.write(clientIP, field: 8) }
        var any = ProtobufWriter()
        any.write(body, field: 2)
        var payload = ProtobufWriter()
        payload.write(metadata.bytes, field: 2)
        payload.write(any.bytes, field: 3)
        return payload.bytes
    }
}

struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ text: String, field: UInt64) {
        write(Array(text.utf8), field: field)
    }

    mutating func write(_ content: [UInt8], field: UInt64) {
        write(field << 3 | 2)
        write(UInt64(content.count))
        bytes += content
    }

    private mutating func write(_ varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

// MARK: - Reading

extension Payload {
    /// - Returns: `nil` for bytes that are no `Payload`. Unknown fields are skipped.
    init?(bytes: some Sequence<UInt8>) {
        guard let fields = ProtobufFields(Array(bytes)[...]) else { return nil }
        self.init(type: "", body: [])
        for field in fields.fields {
            switch field.number {
            case 2: guard read(metadata: field.content) else { return nil }
            case 3:
                guard let any = ProtobufFields(field.content) else { return nil }
                // The last one of several counts.
                for field in any.fields where field.number == 2 { body = Array(field.content) }
            default: break
            }
        }
    }

    private mutating func read(metadata: ArraySlice<UInt8>) -> Bool {
        guard let fields = ProtobufFields(metadata) else { return false }
        for field in fields.fields {
            let text = String(decoding: field.content, as: UTF8.self)
            switch field.number {
            case 3: type = text
            case 7:
                guard let entry = ProtobufFields(field.content) else { return false }
                let name = entry.fields.last { $0.number == 1 }?.content ?? []
                let value = entry.fields.last { $0.number == 2 }?.content ?? []
                headers[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            case 8: clientIP = text
            default: break
            }
        }
        return true
    }
}

/// The fields with a length in one message. All fields of `Payload` are such; others are skipped.
private struct ProtobufFields {
    struct Field {
        var number: UInt64
        var content: ArraySlice<UInt8>
    }

    private(set) var fields: [Field] = []
    private var rest: ArraySlice<UInt8>

    init?(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
        while !rest.isEmpty {
            guard let key = varint(), key >> 3 > 0 else { return nil }
            switch key & 7 {
            case 0: guard varint() != nil else { return nil }
            case 1: guard take(8) != nil else { return nil }
            case 2:
                guard let length = varint(), let content = take(length) else { return nil }
                fields.append(Field(number: key >> 3, content: content))
            case 5: guard take(4) != nil else { return nil }
            default: return nil
            }
        }
    }

    private mutating func take(_ length: UInt64) -> ArraySlice<UInt8>? {
        guard length <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
