/// The first line: `isthmus-snapshot <version> <records> <bytes> <checksum>`. `bytes` counts what follows the line. The
/// checksum is the CRC-64/XZ of those bytes and then of the line up to the checksum.
///
/// The line has a fixed width. The writer knows the counts at the end only, and writes the line into the room that it
/// left at the file's beginning.
enum SnapshotHeader {
    /// A new version is due whenever an older release would misunderstand the file.
    static let version = 1
    static let length = 63

    private static let magic = "isthmus-snapshot "
    private static let bytesWidth = 30..<45

    static func line(records: Int, bytes: Int, body: Checksum) -> [UInt8] {
        var line = Array("\(magic)\(version) \(padded(String(records), 10)) \(padded(String(bytes), 15)) ".utf8)
        var checksum = body
        line.withUnsafeBytes { checksum.update($0) }
        line += Array("\(padded(String(checksum.value, radix: 16), 16))\n".utf8)
        return line
    }

    private static func padded(_ digits: String, _ width: Int) -> String {
        String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// The number of bytes that should follow the line.
    static func bodyLength(_ line: [UInt8]) throws(SnapshotDefect) -> Int {
        guard line.starts(with: magic.utf8) else { throw .damaged("it doesn't begin like a snapshot") }
        let version = line.dropFirst(magic.utf8.count).prefix { $0 != UInt8(ascii: " ") }
        guard let version = number(version) else { throw .damaged("its first line names no version") }
        guard version == Self.version else {
            throw .otherFormat("it has format \(version), and this release reads format \(Self.version)")
        }
        guard line.count == length, let count = number(line[bytesWidth]) else {
            throw .damaged("its first line is not whole")
        }
        return count
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }
}
