import NIOCore
import Testing

@testable import Kubernetes

@Suite("The line splitter", .timeLimit(.minutes(1)))
struct LineSplitterTests {
    private func split(_ chunks: [ByteBuffer], limit: Int = 1 << 20) throws -> ([String], remainder: Bool) {
        var splitter = LineSplitter(limit: limit)
        var lines: [String] = []
        for chunk in chunks {
            splitter.append(chunk)
            while let line = try splitter.next() { lines.append(String(buffer: line)) }
        }
        return (lines, splitter.hasRemainder)
    }

    @Test("finds the same lines however the bytes are chunked", arguments: 0..<200)
    func chunkings(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lines = (0..<Int.random(in: 0...20, using: &random)).map { _ in
            String(repeating: "ä{}", count: Int.random(in: 0...40, using: &random))
        }
        let isCut = Bool.random(using: &random)
        let bytes = Array((lines.map { $0 + "\n" }.joined() + (isCut ? "rest" : "")).utf8)
        var chunks: [ByteBuffer] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = min(rest.count, Int.random(in: 1...50, using: &random))
            chunks.append(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        let (found, remainder) = try split(chunks)
        #expect(found == lines)
        #expect(remainder == isCut)
    }

    @Test("reads a long line in small chunks in linear time")
    func longLine() throws {
        let chunk = ByteBuffer(repeating: 0x61, count: 1024)
        let (lines, _) = try split(
            Array(repeating: chunk, count: 4096) + [ByteBuffer(string: "\n")], limit: 4 << 20)
        #expect(lines.map(\.utf8.count) == [4 << 20])
    }

    @Test("refuses a line beyond its limit, whole or not")
    func limit() throws {
        #expect(try split([ByteBuffer(string: "1234\n")], limit: 4).0 == ["1234"])
        #expect(throws: LineSplitter.TooLong.self) { try split([ByteBuffer(string: "12345\n")], limit: 4) }
        #expect(throws: LineSplitter.TooLong.self) { try split([ByteBuffer(string: "12345")], limit: 4) }
    }
}

/// SplitMix64: it gives the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
