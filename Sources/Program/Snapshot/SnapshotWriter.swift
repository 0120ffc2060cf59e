internal import Services

/// Writes a snapshot beside its final path. Its calls block.
struct SnapshotWriter: Sendable {
    private let path: String
    private let descriptor: Descriptor
    private(set) var count = 0
    private var bytes = 0
    private var checksum = Checksum()
    private var last: ServiceID?

    /// - Parameter path: The snapshot's final path.
    init(path: String) throws {
        self.path = path
        // A crash may have left a file there.
        try FilePath.remove(Self.temporary(path))
        descriptor = try Descriptor(Self.temporary(path), for: .creating)
        do {
            try descriptor.put(Array(repeating: UInt8(ascii: " "), count: SnapshotHeader.length))
        } catch {
            abandon()
            throw error
        }
    }

    private static func temporary(_ path: String) -> String { path + ".new" }

    func adding(_ page: [SnapshotRecord]) throws -> SnapshotWriter {
        var next = self
        var text: [UInt8] = []
        for record in page {
            // A source that repeats pages would fill the disk.
            guard next.last.map({ $0 < record.id }) ?? true else {
                throw SnapshotFailure("\(record.id) comes out of order")
            }
            record.write(to: &text)
            text.append(UInt8(ascii: "\n"))
            next.last = record.id
        }
        try descriptor.put(text)
        text.withUnsafeBytes { next.checksum.update($0) }
        next.count += page.count
        next.bytes += text.count
        return next
    }

    /// Moves the snapshot to its final path.
    func commit() throws {
        try descriptor.put(SnapshotHeader.line(records: count, bytes: bytes, body: checksum), at: 0)
        try descriptor.synchronize()
        try FilePath.move(Self.temporary(path), to: path)
        let folder = try Descriptor(FilePath.folder(of: path), for: .synchronizing)
        defer { folder.dispose() }
        try folder.synchronize()
        descriptor.dispose()
    }

    /// Removes the unfinished snapshot. The last one stays.
    func abandon() {
        descriptor.dispose()
        try? FilePath.remove(Self.temporary(path))
    }
}

/// Why a snapshot was not written.
struct SnapshotFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
