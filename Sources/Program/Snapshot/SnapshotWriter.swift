internal import Services
internal import SystemPackage

/// Writes a snapshot to a file beside the snapshot's place. Its calls block the thread.
struct SnapshotWriter: Sendable {
    private let path: FilePath
    private let file: OpenFile
    private(set) var count = 0
    private var bytes = 0
    private var checksum = Checksum()
    private var last: ServiceID?

    /// - Parameter path: The snapshot's place.
    init(path: FilePath) throws {
        self.path = path
        // A crash may have left one.
        try Self.temporary(path).removeFile()
        file = try OpenFile(Self.temporary(path), for: .creating)
        do {
            try file.write(Array(repeating: UInt8(ascii: " "), count: SnapshotHeader.length))
        } catch {
            abandon()
            throw error
        }
    }

    private static func temporary(_ path: FilePath) -> FilePath { FilePath("\(path).new") }

    func adding(_ page: [SnapshotRecord]) throws -> SnapshotWriter {
        var next = self
        var text: [UInt8] = []
        for record in page {
            // A source that gives a service twice might never end, and fill the disk.
            guard next.last.map({ $0 < record.id }) ?? true else {
                throw SnapshotFailure("the service \(record.id) is out of order")
            }
            record.write(to: &text)
            text.append(UInt8(ascii: "\n"))
            next.last = record.id
        }
        try file.write(text)
        text.withUnsafeBytes { next.checksum.update($0) }
        next.count += page.count
        next.bytes += text.count
        return next
    }

    /// Moves the file to the snapshot's place. A crash leaves either the old or the new snapshot there.
    func commit() throws {
        try file.write(SnapshotHeader.line(records: count, bytes: bytes, body: checksum), at: 0)
        try file.synchronize()
        try Self.temporary(path).move(to: path)
        let folder = try OpenFile(path.folder, for: .synchronizing)
        defer { folder.close() }
        try folder.synchronize()
        file.close()
    }

    /// Removes the file. The old snapshot stays.
    func abandon() {
        file.close()
        try? Self.temporary(path).removeFile()
    }
}

/// Why a snapshot was not written.
struct SnapshotFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
