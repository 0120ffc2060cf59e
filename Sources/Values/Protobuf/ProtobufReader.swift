/// Reads the fields of one message in the wire format of Protocol Buffers, in the order in which they stand.
package struct ProtobufReader: Sendable {
    /// One field. A reader that does not know its number skips it.
    package struct Field: Sendable {
        package enum Value: Sendable, Hashable {
            /// A number, an enum, or a `bool`.
            case number(UInt64)
            /// Eight or four bytes in little-endian order.
            case fixed(UInt64)
            /// Text, data, a submessage, or packed numbers.
            case content(ArraySlice<UInt8>)
        }

        package var number: Int
        package var value: Value
    }

    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    /// - Returns: `nil` at the end.
    /// - Throws: `MalformedProtobuf`.
    package mutating func next() throws(MalformedProtobuf) -> Field? {
        if rest.isEmpty { return nil }
        let key = try varint()
        guard let number = Int(exactly: key >> 3), (1...0x1FFF_FFFF).contains(number) else {
            throw MalformedProtobuf("a field has the number \(key >> 3)")
        }
        switch key & 7 {
        case 0: return Field(number: number, value: .number(try varint()))
        case 1: return Field(number: number, value: .fixed(littleEndian(try take(8))))
        case 2: return Field(number: number, value: .content(try take(try varint())))
        case 5: return Field(number: number, value: .fixed(littleEndian(try take(4))))
        default: throw MalformedProtobuf("field \(number) has the unknown wire type \(key & 7)")
        }
    }

    private mutating func take(_ length: UInt64) throws(MalformedProtobuf) -> ArraySlice<UInt8> {
        guard length <= UInt64(rest.count) else {
            throw MalformedProtobuf("a field of \(length) bytes is cut off after \(rest.count)")
        }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    private func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func varint() throws(MalformedProtobuf) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw MalformedProtobuf("a number is cut off") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw MalformedProtobuf("a number is longer than ten bytes")
    }
}

/// Bytes that are not the wire format, or not the expected message.
package struct MalformedProtobuf: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension ProtobufReader {
    /// Hands every field of a message to a closure.
    package static func read(
        _ bytes: ArraySlice<UInt8>, _ field: (Field) throws(MalformedProtobuf) -> Void
    ) throws(MalformedProtobuf) {
        var reader = ProtobufReader(bytes)
        while let next = try reader.next() { try field(next) }
    }
}

extension ProtobufReader.Field {
    /// The bytes of a submessage or of data.
    package func content() throws(MalformedProtobuf) -> ArraySlice<UInt8> {
        guard case .content(let bytes) = value else { throw mismatch("text, data or a message") }
        return bytes
    }

    package func string() throws(MalformedProtobuf) -> String {
        guard let text = String(validating: try content(), as: UTF8.self) else {
            throw MalformedProtobuf("field \(number) is not UTF-8 text")
        }
        return text
    }

    /// - Throws: Also for a number that the type can't hold.
    package func integer<Number: FixedWidthInteger>(as type: Number.Type = Number.self) throws(MalformedProtobuf)
        -> Number
    {
        guard case .number(let bits) = value else { throw mismatch("a number") }
        let number = Number.isSigned ? Number(exactly: Int64(bitPattern: bits)) : Number(exactly: bits)
        guard let number else { throw MalformedProtobuf("field \(self.number) is out of range: \(bits)") }
        return number
    }

    package func bool() throws(MalformedProtobuf) -> Bool { try integer(as: UInt64.self) != 0 }

    /// The value of a wrapper such as `google.protobuf.UInt32Value`.
    package func wrapped<Number: FixedWidthInteger>(as type: Number.Type = Number.self) throws(MalformedProtobuf)
        -> Number
    {
        var number: Number = 0
        try ProtobufReader.read(try content()) { field throws(MalformedProtobuf) in
            if field.number == 1 { number = try field.integer() }
        }
        return number
    }

    /// One entry of a map from text.
    /// - Parameter value: Reads field 2.
    package func entry<Value>(
        into map: inout [String: Value], default standard: Value,
        _ value: (Self) throws(MalformedProtobuf) -> Value
    ) throws(MalformedProtobuf) {
        var (key, result) = ("", standard)
        try ProtobufReader.read(try content()) { field throws(MalformedProtobuf) in
            if field.number == 1 { key = try field.string() }
            if field.number == 2 { result = try value(field) }
        }
        map[key] = result
    }

    package func entry(into map: inout [String: String]) throws(MalformedProtobuf) {
        try entry(into: &map, default: "") { field throws(MalformedProtobuf) in try field.string() }
    }

    private func mismatch(_ wanted: String) -> MalformedProtobuf {
        MalformedProtobuf("field \(number) is not \(wanted)")
    }
}
