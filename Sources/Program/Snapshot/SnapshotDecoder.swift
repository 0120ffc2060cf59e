internal import Services

/// Reads a snapshot piece by piece.
///
/// A pure state machine. No record counts before `finish` has verified the whole file.
package struct SnapshotDecoder {
    private let header: [UInt8]
    private var records: [SnapshotRecord] = []
    private var lines = 0
    private var count = 0
    private var checksum = Checksum()
    /// The beginning of a line whose end was not read yet.
    private var line: [UInt8] = []
    private var defect: SnapshotDefect?

    /// - Parameters:
    ///   - header: The file's first 63 bytes, or the whole of a shorter file.
    ///   - size: The size of the whole file in bytes.
    /// - Throws: `SnapshotDefect` for a file of which the rest need not be read.
    init(header: [UInt8], size: Int) throws(SnapshotDefect) {
        let expected = try SnapshotHeader.bodyLength(header)
        guard size == header.count + expected else {
            throw .damaged("it has \(size) bytes, and \(header.count + expected) were written")
        }
        self.header = header
    }

    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        checksum.update(bytes)
        count += bytes.count
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            line.append(contentsOf: rest[..<end])
            readLine()
            line.removeAll(keepingCapacity: true)
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        line.append(contentsOf: rest)
    }

    private mutating func readLine() {
        lines += 1
        if defect != nil { return }
        do throws(SnapshotDefect) {
            records += try SnapshotRecord.records(parsing: line)
        } catch {
            // Only the checksum tells whether the line was damaged or written like this.
            defect = .otherFormat("line \(lines + 1): \(error)")
        }
    }

    /// - Throws: `SnapshotDefect` for a file that is not as it was written.
    func finish() throws(SnapshotDefect) -> [SnapshotRecord] {
        guard SnapshotHeader.line(records: lines, bytes: count, body: checksum) == header, line.isEmpty else {
            throw .damaged("it doesn't match its checksum")
        }
        if let defect { throw defect }
        return records
    }

    /// Reads a whole file.
    package static func decode(
        _ file: some Collection<UInt8>
    ) throws(SnapshotDefect) -> [SnapshotRecord] {
        var decoder = try SnapshotDecoder(
            header: Array(file.prefix(SnapshotHeader.length)), size: file.count)
        Array(file.dropFirst(SnapshotHeader.length)).withUnsafeBytes { decoder.read($0) }
        return try decoder.finish()
    }
}
