import IsthmusTesting
import Testing

@testable import Deliveries

@Suite("the sizes of objects that keep changing")
struct ObjectSizesTests {
    private typealias Sizes = ObjectSizes<String>

    private var sizes = Sizes()

    private func cost(_ bytes: Int) -> WriteCost { WriteCost(bytes: bytes, latency: .milliseconds(5)) }

    /// The mean interval between the writes of objects that are written whenever they may be.
    private func intervals(_ bytes: [Int]) -> [Duration] {
        var sizes = ObjectSizes<Int>()
        var writes = [Int](repeating: 0, count: bytes.count)
        for centisecond in 0..<2_000 {
            let now = Duration.milliseconds(10 * centisecond)
            for object in bytes.indices where sizes.delay(object, now: now) == nil {
                sizes.wrote(object, cost(bytes[object]), now: now)
                if centisecond >= 1_000 { writes[object] += 1 }
            }
        }
        return writes.map { .seconds(10) / max($0, 1) }
    }

    @Test("a small object that changes alone never waits, a large one as long as the budget says")
    mutating func alone() throws {
        for tenth in 1..<20 {
            sizes.wrote("a", cost(4_000), now: .milliseconds(100 * tenth))
            #expect(sizes.delay("a", now: .milliseconds(100 * tenth)) == nil)
        }
        #expect(intervals([262_144])[0] > .milliseconds(240) && intervals([262_144])[0] < .milliseconds(270))
    }

    @Test("the larger an object is, the less often it is written; a small one waits for a quarter of a second at most")
    func size() {
        let intervals = intervals(Array(repeating: 4_096, count: 20) + [65_536, 262_144, 1_048_576])
        #expect(intervals[0] <= .milliseconds(260))
        #expect(intervals[0] < intervals[20] && intervals[20] <= intervals[21] && intervals[21] <= intervals[22])
        #expect(intervals[22] > .seconds(1) && intervals[22] <= Sizes.longestInterval)
    }

    @Test("what was not written lately may be written at once, however much else keeps changing")
    mutating func quiet() {
        for other in 0..<500 { sizes.wrote("\(other)", cost(262_144), now: .seconds(20)) }
        #expect(sizes.delay("new", now: .seconds(20)) == nil)
        sizes.wrote("new", cost(1_000), now: .seconds(20))
        #expect(sizes.delay("new", now: .seconds(20) + .milliseconds(65)) == nil)
    }

    @Test("an object that is gone leaves nothing behind for the next one of its name")
    mutating func removal() {
        for _ in 0..<10 { sizes.wrote("a", cost(262_144), now: .seconds(1)) }
        #expect(sizes.delay("a", now: .seconds(1)) != nil)
        sizes.removed("a")
        #expect(sizes.delay("a", now: .seconds(1)) == nil)
    }

    @Test("what is quiet is forgotten")
    mutating func bounded() {
        for second in 0..<100 {
            for object in 0..<1_000 { sizes.wrote("\(second)-\(object)", cost(65_536), now: .seconds(second)) }
            #expect(sizes.count <= 1_000 * 11)
        }
        sizes.wrote("last", cost(262_144), now: .seconds(200))
        #expect(sizes.count == 1)
    }

    @Test(
        "whatever changes, the last change is written within five seconds", arguments: SeededGenerator.seeds(4))
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var sizes = ObjectSizes<Int>()
        let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in
            Int.random(in: 500...1_048_576, using: &random)
        }
        var dirtySince: [Int: Duration] = [:]
        for centisecond in 1...3_000 {
            let now = Duration.milliseconds(10 * centisecond)
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let object = Int.random(in: bytes.indices, using: &random)
                dirtySince[object] = dirtySince[object] ?? now
            }
            for (object, since) in dirtySince where sizes.delay(object, now: now) == nil {
                #expect(now - since <= Sizes.longestInterval)
                dirtySince[object] = nil
                sizes.wrote(object, cost(bytes[object]), now: now)
            }
        }
    }
}
