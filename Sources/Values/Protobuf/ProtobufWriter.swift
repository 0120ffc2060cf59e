/// Writes the wire format of Protocol Buffers (proto3). Equal calls give equal bytes.
///
/// A field that has its default value is not written, as proto3 wants. A submessage is written even where it is empty,
/// since its presence says something.
package struct ProtobufWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func string(_ field: Int, _ text: String) {
        if !text.isEmpty { content(field, text.utf8) }
    }

    package mutating func strings(_ field: Int, _ texts: [String]) {
        // An empty element counts.
        for text in texts { content(field, text.utf8) }
    }

    package mutating func data(_ field: Int, _ data: [UInt8]) {
        if !data.isEmpty { content(field, data) }
    }

    /// An unsigned number, an enum, or a `bool`.
    package mutating func number(_ field: Int, _ value: UInt64) {
        if value != 0 { presentNumber(field, value) }
    }

    /// `int32` or `int64`. A negative number takes ten bytes.
    package mutating func signed(_ field: Int, _ value: Int64) {
        number(field, UInt64(bitPattern: value))
    }

    /// A number that is written even where it is 0, as a field of a `oneof` is.
    package mutating func presentNumber(_ field: Int, _ value: UInt64) {
        varint(UInt64(field) << 3)
        varint(value)
    }

    /// A `double` that is written even where it is 0.
    package mutating func double(_ field: Int, _ value: Double) {
        varint(UInt64(field) << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    package mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        var message = ProtobufWriter()
        write(&message)
        content(field, message.bytes)
    }

    /// A map from text, sorted by key.
    /// - Parameter write: Writes a value as field 2.
    package mutating func map<Value>(
        _ field: Int, _ map: [String: Value], _ write: (inout ProtobufWriter, Value) -> Void
    ) {
        for (key, value) in map.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            message(field) { entry in
                // The entries of a map have both fields, also where one is empty.
                entry.content(1, key.utf8)
                write(&entry, value)
            }
        }
    }

    package mutating func map(_ field: Int, _ texts: [String: String]) {
        map(field, texts) { $0.content(2, $1.utf8) }
    }

    /// A field with a length, also where it is empty.
    package mutating func content(_ field: Int, _ content: some Collection<UInt8>) {
        varint(UInt64(field) << 3 | 2)
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
