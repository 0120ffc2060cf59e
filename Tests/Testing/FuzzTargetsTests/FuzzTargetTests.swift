import Foundation
import FuzzTargets
import IsthmusTesting
import Testing

/// What `scripts/fuzz` does for as long as one likes, for some seconds and without its instruments: seeds are bent, cut
/// and joined.
@Suite("Decoders of bytes from outside")
struct FuzzTargetTests {
    /// One input for each decoder that it takes.
    private static let seeds: [[UInt8]] = {
        let folder = URL(filePath: ServerTools.packageRoot).appending(path: "Tests/Fixtures/fuzz")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
        return names.compactMap { try? Array(Data(contentsOf: folder.appending(path: $0))) }
    }()

    /// `ISTHMUS_FUZZ_SECONDS` makes it longer.
    private static let time = Duration.seconds(
        ProcessInfo.processInfo.environment["ISTHMUS_FUZZ_SECONDS"].flatMap(Int.init) ?? 2)

    @Test("there is a seed for each of them, and each takes its own")
    func everySeed() throws {
        let selectors = Set(Self.seeds.compactMap(\.first))
        #expect(selectors == Set(FuzzTarget.allCases.map(\.rawValue)))
        for seed in Self.seeds { #expect(seed.withUnsafeBytes(FuzzTarget.run) == nil) }
    }

    @Test("bent inputs end no decoder and make none contradict itself", arguments: SeededGenerator.seeds(2))
    func bentInputs(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let seeds = Self.seeds
        try #require(!seeds.isEmpty)
        let start = ContinuousClock.now
        var count = 0
        while start.duration(to: .now) < Self.time {
            // Other tests take their turn.
            await Task.yield()
            for _ in 0..<200 {
                var input = seeds[Int.random(in: 0..<seeds.count, using: &random)]
                for _ in 0...Int.random(in: 0..<6, using: &random) { Self.bend(&input, with: seeds, &random) }
                if let defect = input.withUnsafeBytes(FuzzTarget.run) {
                    Issue.record("\(defect): \(Data(input).base64EncodedString())")
                    return
                }
                count += 1
            }
        }
        #expect(count > 0)
    }

    private static func bend(_ input: inout [UInt8], with seeds: [[UInt8]], _ random: inout SeededGenerator) {
        // The first byte says which decoder it is for.
        guard input.count > 1 else { return input.append(UInt8.random(in: 0...255, using: &random)) }
        let index = Int.random(in: 1..<input.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: input[index] = UInt8.random(in: 0...255, using: &random)
        case 1: input[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: input.remove(at: index)
        case 3: input.insert(UInt8.random(in: 0...255, using: &random), at: index)
        case 4: input.removeLast(input.count - index)
        default:
            let other = seeds[Int.random(in: 0..<seeds.count, using: &random)].dropFirst()
            if input.count < 4096 { input.insert(contentsOf: other, at: index) }
        }
    }
}
