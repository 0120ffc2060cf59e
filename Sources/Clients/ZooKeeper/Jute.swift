package import NIOCore

/// Bytes that break a rule of Jute, ZooKeeper's serialization.
package struct JuteError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Jute: big-endian integers; strings, buffers and vectors with a length before them; records as their fields in order
/// (`BinaryInputArchive` and `BinaryOutputArchive` of Apache ZooKeeper).
///
/// The readers check every length against the bytes that are left before they allocate.
extension ByteBuffer {
    package mutating func readJuteInt() throws(JuteError) -> Int32 {
        guard let value = readInteger(as: Int32.self) else { throw JuteError("an int is truncated") }
        return value
    }

    package mutating func readJuteLong() throws(JuteError) -> Int64 {
        guard let value = readInteger(as: Int64.self) else { throw JuteError("a long is truncated") }
        return value
    }

    package mutating func readJuteBool() throws(JuteError) -> Bool {
        guard let value = readInteger(as: UInt8.self) else { throw JuteError("a boolean is truncated") }
        return value != 0
    }

    /// A length; `nil` for null, which Jute writes as −1.
    private mutating func readJuteLength(of what: String, bytesEach: Int) throws(JuteError) -> Int? {
        let length = Int(try readJuteInt())
        if length == -1 { return nil }
        guard length >= 0, length <= readableBytes / bytesEach else {
            throw JuteError("a \(what) has the length \(length), and \(readableBytes) bytes are left")
        }
        return length
    }

    package mutating func readJuteBuffer() throws(JuteError) -> ByteBuffer? {
        guard let length = try readJuteLength(of: "buffer", bytesEach: 1) else { return nil }
        return readSlice(length: length)
    }

    package mutating func readJuteString() throws(JuteError) -> String? {
        guard let length = try readJuteLength(of: "string", bytesEach: 1) else { return nil }
        return readString(length: length)
    }

    package mutating func readJutePath() throws(JuteError) -> String {
        guard let path = try readJuteString() else { throw JuteError("a path is null") }
        return path
    }

    /// - Parameter elementSize: The smallest encoding of one element in bytes. It bounds the count.
    package mutating func readJuteVector<Element>(
        elementSize: Int, _ readElement: (inout ByteBuffer) throws(JuteError) -> Element
    ) throws(JuteError) -> [Element] {
        guard let count = try readJuteLength(of: "vector", bytesEach: elementSize) else { return [] }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try readElement(&self)) }
        return elements
    }

    package mutating func readJuteStrings() throws(JuteError) -> [String] {
        try readJuteVector(elementSize: 4) { (buffer) throws(JuteError) in try buffer.readJuteString() ?? "" }
    }

    package mutating func writeJuteBool(_ value: Bool) {
        writeInteger(value ? 1 : 0, as: UInt8.self)
    }

    package mutating func writeJuteString(_ value: String) {
        writeInteger(Int32(value.utf8.count))
        writeString(value)
    }

    package mutating func writeJuteBuffer(_ value: ByteBuffer?) {
        guard let value else {
            writeInteger(-1, as: Int32.self)
            return
        }
        writeInteger(Int32(value.readableBytes))
        writeImmutableBuffer(value)
    }

    package mutating func writeJuteStrings(_ values: [String]) {
        writeInteger(Int32(values.count))
        for value in values { writeJuteString(value) }
    }

    /// A frame: four bytes of length, then the bytes that `body` writes.
    package static func zooKeeperFrame(_ body: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(0, as: Int32.self)
        body(&frame)
        frame.setInteger(Int32(frame.readableBytes - 4), at: frame.readerIndex)
        return frame
    }
}
