import Foundation
import IsthmusTesting
import Snapshot
import Testing

@Suite("snapshots that can't be used", .timeLimit(.minutes(5)))
struct SnapshotDamageTests {
    private let folder: TemporaryFolder
    private let file: SnapshotFile

    init() throws {
        folder = try TemporaryFolder(label: "snapshot")
        file = SnapshotFile(path: folder.snapshotPath)
    }

    /// A small snapshot.
    private func sound() async throws -> [UInt8] {
        try await file.write(from: Records([.sample(1), .sample(2)]))
        return try folder.bytes()
    }

    @Test("a truncated file is set aside as it is, whatever its length")
    func truncated() async throws {
        let sound = try await sound()
        for count in 0..<sound.count {
            try folder.store(sound.prefix(count))
            let aside = try #require(await file.read().aside, "\(count) bytes")
            #expect(aside.path.contains("/state.corrupt-"))
            #expect(Array(try Data(contentsOf: URL(filePath: aside.path))) == Array(sound.prefix(count)))
            #expect(await file.read() == .none)
        }
    }

    @Test("a wrong byte is found, wherever it is")
    func flipped() async throws {
        let sound = try await sound()
        for index in sound.indices {
            var damaged = sound
            damaged[index] ^= .random(in: 1...255)
            try folder.store(damaged)
            #expect(await file.read().aside != nil, "byte \(index) is \(damaged[index])")
        }
    }

    @Test("a wrong bit is found, wherever it is")
    func flippedBits() async throws {
        let sound = try await sound()
        #expect(try SnapshotDecoder.decode(sound) == [.sample(1), .sample(2)])
        for index in sound.indices {
            for bit in 0..<8 {
                var damaged = sound
                damaged[index] ^= 1 << bit
                #expect(throws: SnapshotDefect.self, "bit \(bit) of byte \(index)") {
                    try SnapshotDecoder.decode(damaged)
                }
            }
        }
    }

    @Test("missing, repeated, reordered and additional lines are found")
    func lines() async throws {
        let sound = try await sound()
        let lines = sound.split(separator: UInt8(ascii: "\n")).map { $0 + [UInt8(ascii: "\n")] }
        let mixtures = [[0], [1, 2], [0, 1], [0, 2, 1], [0, 1, 1], [0, 1, 2, 2], [0, 0, 1, 2], [2, 1, 0]]
        for mixture in mixtures {
            #expect(throws: SnapshotDefect.self, "\(mixture)") {
                try SnapshotDecoder.decode(Array(mixture.map { lines[$0] }.joined()))
            }
        }
        #expect(throws: SnapshotDefect.self) { try SnapshotDecoder.decode(sound + [UInt8(ascii: " ")]) }
    }

    @Test("the checksum is CRC-64/XZ")
    func checksum() async throws {
        try await file.write(from: Records([]))
        // Calculated by another program, over the first 46 bytes of an empty snapshot.
        let expected = "isthmus-snapshot 1 0000000000 000000000000000 4d5c4f1fd88e6b0d\n"
        #expect(String(decoding: try folder.bytes(), as: UTF8.self) == expected)
    }

    @Test(
        "a file of another release is kept, and the reason names its format", arguments: [0, 2, 17])
    func otherVersion(version: Int) async throws {
        try folder.store(Array("isthmus-snapshot \(version) and whatever follows there\n".utf8))
        let aside = try #require(await file.read().aside)
        #expect(aside.reason == "it has format \(version), and this release reads format 1")
        #expect(aside.path.hasSuffix("/state.unreadable-1"))
        #expect(try folder.files == ["state.unreadable-1"])
    }

    @Test("the newest five files that were set aside stay, and no other file is removed")
    func bound() async throws {
        let others = ["state.corrupt-", "state.corrupt-x", "state.corrupt-0", "state2.corrupt-1", "corrupt-1"]
        for name in others { try folder.write("", to: name) }
        for number in 1...12 {
            try folder.write(number % 2 == 0 ? "isthmus-snapshot 2 \(number)" : "damaged \(number)", to: "state")
            #expect(await file.read().aside != nil)
        }
        let kept = ["corrupt-11", "corrupt-9", "unreadable-10", "unreadable-12", "unreadable-8"].map { "state.\($0)" }
        #expect(try folder.files == (others + kept).sorted())
        #expect(String(decoding: try folder.bytes("state.corrupt-11"), as: UTF8.self) == "damaged 11")
    }

    @Test("after a file was set aside, a new one is written to its place")
    func again() async throws {
        try folder.write("damaged", to: "state")
        #expect(await file.read().aside != nil)
        try await file.write(from: Records([.sample(1)]))
        #expect(await file.read().records == [.sample(1)])
        #expect(try folder.files == ["state", "state.corrupt-1"])
    }
}
