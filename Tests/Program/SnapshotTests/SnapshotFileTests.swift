import Foundation
import IsthmusTesting
import Services
import Snapshot
import Testing

@Suite("the file of a snapshot", .timeLimit(.minutes(1)))
struct SnapshotFileTests {
    private let folder: TemporaryFolder
    private let file: SnapshotFile

    init() throws {
        folder = try TemporaryFolder(label: "snapshot")
        file = SnapshotFile(path: folder.snapshotPath)
    }

    @Test("records are read as they were written, whatever the names", arguments: SeededGenerator.seeds(4))
    func roundTrip(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var records: [ServiceID: SnapshotRecord] = [:]
        for _ in 0..<400 {
            let record = SnapshotRecord.random(&random)
            records[record.id] = record
        }
        let count = try await file.write(from: Records(records.values))
        #expect(count == records.count)
        #expect(await file.read().records == records.values.sorted { $0.id < $1.id })
        let first = try folder.bytes()
        try await file.write(from: Records(records.values.shuffled(using: &random)))
        #expect(try folder.bytes() == first, "the same services make the same bytes")
    }

    @Test("the file is one line about itself and one JSON object a line, readable for this user only")
    func format() async throws {
        try await file.write(from: Records([.sample(2), .sample(1)]))
        let lines = String(decoding: try folder.bytes(), as: UTF8.self).split(separator: "\n")
        let header = lines[0].split(separator: " ")
        #expect(header.prefix(4) == ["isthmus-snapshot", "1", "0000000002", "000000000000408"])
        #expect(lines.dropFirst().map { Array($0.utf8) } == [SnapshotRecord.sample(1), .sample(2)].map(\.line))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.snapshotPath)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try folder.files == ["state"])
    }

    @Test("a service with very many instances is one line, and a snapshot may have no service")
    func sizes() async throws {
        let records = [SnapshotRecord.sample(1), .sample(2, instances: 20_000), .sample(3)]
        try await file.write(from: Records(records))
        #expect(await file.read().records == records)
        try await file.write(from: Records([]))
        #expect(await file.read().records == [])
    }

    @Test("a missing file is no snapshot, and a write makes its folder")
    func missing() async throws {
        let deep = SnapshotFile(path: folder.path(of: "a/b/state"))
        #expect(await deep.read() == .none)
        try await deep.write(from: Records([.sample(1)]))
        #expect(await deep.read().records == [.sample(1)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path(of: "a/b")).count == 2)
    }

    @Test("the age of a snapshot is the time since it was written")
    func age() async throws {
        try await file.write(from: Records([]))
        for (hours, expected) in [(-2, Duration.seconds(7200)), (2, .zero)] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: Double(hours) * 3600)], ofItemAtPath: folder.snapshotPath
            )
            guard case .records(_, let age) = await file.read() else {
                Issue.record("it should be readable")
                return
            }
            #expect(age >= expected && age < expected + .seconds(60))
        }
    }

    @Test("a crash before the move leaves the old snapshot, and the next write removes the unfinished file")
    func crash() async throws {
        try await file.write(from: Records([.sample(1)]))
        try folder.store([UInt8](repeating: 0x20, count: 5000), as: "state.new")
        #expect(await file.read().records == [.sample(1)])
        try await file.write(from: Records([.sample(2)]))
        #expect(await file.read().records == [.sample(2)])
        #expect(try folder.files == ["state"])
    }

    @Test("an abandoned write leaves the old snapshot and nothing else")
    func givenUp() async throws {
        try await file.write(from: Records([.sample(1)]))
        var pages = 0
        await #expect(throws: (any Error).self) {
            try await file.write(from: Records((0..<1000).map { .sample($0) })) {
                pages += 1
                return pages < 4
            }
        }
        #expect(pages == 4)
        #expect(await file.read().records == [.sample(1)])
        #expect(try folder.files == ["state"])
    }

    @Test("a source that gives a service twice ends the write")
    func circles() async throws {
        struct Circle: SnapshotSource {
            func snapshotPage(after: ServiceID?, limit: Int) async -> [SnapshotRecord] { [.sample(1), .sample(2)] }
        }
        await #expect(throws: (any Error).self) { try await file.write(from: Circle()) }
        #expect(try folder.files == [])
    }

    @Test("an error of the system names the path, in the system's words")
    func impossible() async throws {
        try folder.write("", to: "file")
        let impossible = SnapshotFile(path: folder.path(of: "file/state"))
        let error = await #expect(throws: (any Error).self) { try await impossible.write(from: Records([])) }
        #expect("\(try #require(error))".hasSuffix("/file/state.lock: Not a directory"))
        #expect(await impossible.read().unreadableReason?.contains("Not a directory") == true)
    }

    @Test("a folder in the file's place stays there")
    func folderInPlace() async throws {
        try FileManager.default.createDirectory(atPath: folder.snapshotPath, withIntermediateDirectories: false)
        #expect(await file.read().unreadableReason?.hasSuffix("is no file") == true)
        await #expect(throws: (any Error).self) { try await file.write(from: Records([])) }
        #expect(try folder.files == ["state"])
    }

    @Test("one process at a time may write the file, and the next one after a release")
    func lock() async throws {
        try await file.write(from: Records([.sample(1)]))
        let other = SnapshotFile(path: folder.snapshotPath)
        let error = await #expect(throws: (any Error).self) { try await other.write(from: Records([.sample(2)])) }
        #expect("\(try #require(error))".hasSuffix("another process writes it"))
        #expect(await other.read().records == [.sample(1)])
        file.release()
        try await other.write(from: Records([.sample(2)]))
        #expect(await other.read().records == [.sample(2)])
    }

    @Test("a release takes effect even while a process that is being started has copies of the descriptors")
    func lockDuringStart() async throws {
        try await file.write(from: Records([.sample(1)]))
        let copies = try descriptors(of: folder.snapshotPath + ".lock").map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        file.release()
        try await SnapshotFile(path: folder.snapshotPath).write(from: Records([.sample(2)]))
        #expect(await file.read().records == [.sample(2)])
    }

    /// The descriptors of this process.
    private func descriptors(of path: String) throws -> [CInt] {
        var file = stat()
        try #require(stat(path, &file) == 0)
        return (0..<1024).filter { number in
            var info = stat()
            return fstat(number, &info) == 0 && info.st_dev == file.st_dev && info.st_ino == file.st_ino
        }
    }

    @Test("a damaged file stays in its place while another process has the lock")
    func lockedDamage() async throws {
        try await file.write(from: Records([.sample(1)]))
        try folder.store(try folder.bytes().dropLast())
        let reason = await SnapshotFile(path: folder.snapshotPath).read().unreadableReason
        #expect(reason?.contains("another process writes it") == true)
        #expect(try folder.files == ["state"])
    }
}
