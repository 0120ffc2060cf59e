import NIOCore
import Testing

@testable import Kubernetes

@Suite("The decoder of watches", .timeLimit(.minutes(1)))
struct WatchDecoderTests {
    private static let text = [
        eventText("ADDED", "ä", version: "11"), "", bookmarkText(version: "13"), #"{"type":"FUTURE","object":{}}"#,
        eventText("DELETED", "b", version: "14"), "",
    ].joined(separator: "\n")

    private func events(_ chunks: [some Collection<UInt8>]) throws -> [WatchEvent] {
        var decoder = WatchDecoder(limit: 1_000, label: "")
        var events: [WatchEvent] = []
        for chunk in chunks {
            decoder.append(ByteBuffer(bytes: chunk))
            while let event = try decoder.next() { events.append(event) }
        }
        try decoder.finish()
        return events
    }

    @Test("decodes the same events wherever the bytes are cut, also within a character")
    func cuts() throws {
        let bytes = Array(Self.text.utf8)
        let expected: [WatchEvent] = [
            .added(try object("ä", version: "11")), .bookmark(resourceVersion: "13"),
            .deleted(try object("b", version: "14")),
        ]
        for cut in bytes.indices {
            let seen = try events([bytes[..<cut], bytes[cut...]])
            #expect(seen == expected, "cut at \(cut)")
        }
        #expect(try events(bytes.map { [$0] }) == expected)
    }

    @Test("distinguishes an unfinished event from a finished one")
    func remainder() throws {
        let error = #expect(throws: KubernetesError.self) { try events([Array(Self.text.utf8.dropLast(5))]) }
        #expect(error?.code == .connectionLost)
    }

    @Test("survives any bytes, and decodes them alike in chunks of any size", arguments: 0..<50)
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let error = #"{"type":"ERROR","object":\#(expiredText)}"#
        let seeds = [Self.text, error + "\n", String(repeating: "[", count: 300), "\n\n", ""].map { Array($0.utf8) }
        for _ in 0..<100 {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...8, using: &random) { Self.mutate(&bytes, using: &random) }
            bytes.insert(UInt8.random(in: 0...255, using: &random), at: 0)
            bytes.withUnsafeBytes { fuzzWatchDecoder($0) }
        }
        fuzzWatchDecoder(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private static func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0...4, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1: bytes.insert(contentsOf: #"{}[]",:\#n\"#.utf8.shuffled(using: &random).prefix(3), at: place)
        case 2: bytes.removeSubrange(place...)
        case 3: bytes += bytes[place...]
        default: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random) }
        }
    }
}
