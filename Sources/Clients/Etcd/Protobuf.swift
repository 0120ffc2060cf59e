/// Writes a message of Protocol Buffers, field by field. Fields of their default value are left out.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ content: [UInt8], field: UInt64) {
        if !content.isEmpty { writeMessage(content, field: field) }
    }

    /// An empty message is written too: it says which member of a `oneof` it is.
    mutating func writeMessage(_ content: [UInt8], field: UInt64) {
        append(field << 3 | 2)
        append(UInt64(content.count))
        bytes += content
    }

    mutating func write(_ number: Int64, field: UInt64) {
        if number == 0 { return }
        append(field << 3)
        append(UInt64(bitPattern: number))
    }

    mutating func write(_ value: Bool, field: UInt64) { write(value ? 1 : 0, field: field) }

    private mutating func append(_ varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

/// Reads the fields of one message of Protocol Buffers, in their order.
struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case content(ArraySlice<UInt8>)
        /// Of a type that no field of etcd has.
        case other
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    /// - Returns: `nil` at the end.
    mutating func next() throws(EtcdError) -> (field: UInt64, value: Value)? {
        if rest.isEmpty { return nil }
        let key = try varint()
        guard key >> 3 > 0 else { throw EtcdError(.malformedReply) }
        switch key & 7 {
        case 0: return (key >> 3, .number(try varint()))
        case 1:
            _ = try take(8)
            return (key >> 3, .other)
        case 2: return (key >> 3, .content(try take(try varint())))
        case 5:
            _ = try take(4)
            return (key >> 3, .other)
        default: throw EtcdError(.malformedReply)
        }
    }

    private mutating func take(_ length: UInt64) throws(EtcdError) -> ArraySlice<UInt8> {
        guard length <= UInt64(rest.count) else { throw EtcdError(.malformedReply) }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    private mutating func varint() throws(EtcdError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw EtcdError(.malformedReply) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw EtcdError(.malformedReply)
    }
}

extension ProtobufReader.Value {
    var number: Int64 { if case .number(let number) = self { Int64(bitPattern: number) } else { 0 } }
    /// A revision that has a next one.
    var revision: Int64 {
        get throws(EtcdError) {
            guard (0..<Int64.max).contains(number) else { throw EtcdError(.malformedReply) }
            return number
        }
    }
    var isTrue: Bool { number != 0 }
    var content: ArraySlice<UInt8> { if case .content(let content) = self { content } else { [] } }
    var text: String { String(decoding: content, as: UTF8.self) }
}
