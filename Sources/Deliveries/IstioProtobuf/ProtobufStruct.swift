package import JSON
package import Protobuf

/// `google.protobuf.Struct` and `Value`: JSON in Protocol Buffers.
package enum ProtobufStruct {
    /// A client must not make us recurse without end.
    private static let maximumDepth = 32

    package static func write(_ object: JSONObject, _ writer: inout ProtobufWriter) {
        for member in object.members {
            writer.message(1) { entry in
                entry.content(1, member.key.utf8)
                entry.message(2) { write(member.value, &$0) }
            }
        }
    }

    private static func write(_ value: JSONValue, _ writer: inout ProtobufWriter) {
        switch value {
        // A field of a `oneof` is written even where it has its default value.
        case .null: writer.presentNumber(1, 0)
        case .bool(let value): writer.presentNumber(4, value ? 1 : 0)
        case .integer(let value): writer.double(2, Double(value))
        case .double(let value): writer.double(2, value)
        case .string(let text): writer.content(3, text.utf8)
        case .array(let elements):
            writer.message(6) { list in
                for element in elements { list.message(1) { write(element, &$0) } }
            }
        case .object(let object): writer.message(5) { write(object, &$0) }
        }
    }

    /// - Throws: `MalformedProtobuf`.
    package static func read(_ bytes: ArraySlice<UInt8>, depth: Int = 0) throws(MalformedProtobuf) -> JSONObject {
        guard depth < maximumDepth else { throw MalformedProtobuf("a Struct is nested too deeply") }
        var members: [String: JSONValue] = [:]
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            guard field.number == 1 else { return }
            try field.entry(into: &members, default: .null) { field throws(MalformedProtobuf) in
                try value(try field.content(), depth: depth + 1)
            }
        }
        return JSONObject(members.map { (key: $0.key, value: $0.value) })
    }

    private static func value(_ bytes: ArraySlice<UInt8>, depth: Int) throws(MalformedProtobuf) -> JSONValue {
        guard depth < maximumDepth else { throw MalformedProtobuf("a Struct is nested too deeply") }
        var value = JSONValue.null
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 2:
                guard case .fixed(let bits) = field.value else { throw MalformedProtobuf("a number is not a double") }
                let number = Double(bitPattern: bits)
                value = Int64(exactly: number).map { .integer($0) } ?? .double(number)
            case 3: value = .string(try field.string())
            case 4: value = .bool(try field.bool())
            case 5: value = .object(try read(try field.content(), depth: depth + 1))
            case 6:
                var elements: [JSONValue] = []
                try ProtobufReader.read(try field.content()) { field throws(MalformedProtobuf) in
                    if field.number == 1 { elements.append(try self.value(try field.content(), depth: depth + 1)) }
                }
                value = .array(elements)
            default: value = .null
            }
        }
        return value
    }
}
