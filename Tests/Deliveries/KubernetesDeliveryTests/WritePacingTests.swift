import IsthmusTesting
import Testing

@testable import KubernetesDelivery

@Suite("the pace of writes")
struct WritePacingTests {
    private typealias Pacing = WritePacing<String>

    private var pacing = Pacing()
    private let small = WriteCost(bytes: 1_000, latency: .milliseconds(5))

    /// Writes an object as often as it may be.
    /// - Returns: When its writes ended.
    private mutating func write(_ key: String, _ cost: WriteCost, until end: Duration) -> [Duration] {
        var times: [Duration] = []
        var now = Duration.zero
        while now < end {
            now += (pacing.delay(key, now: now) ?? .zero) + cost.latency
            pacing.wrote(key, cost, now: now)
            times.append(now)
        }
        return times
    }

    @Test("what was not written lately may be written at once, and again soon, however much else keeps changing")
    mutating func quiet() {
        for round in 0..<20 {
            for other in 0..<500 {
                pacing.wrote("\(other)", small, now: .milliseconds(round * 1_000 + other))
            }
        }
        #expect(pacing.delay("new", now: .seconds(20)) == nil)
        pacing.wrote("new", small, now: .seconds(20))
        #expect(pacing.delay("new", now: .seconds(20) + .milliseconds(10)) == nil)
    }

    @Test("one that keeps changing alone occupies the server half of the time")
    mutating func alone() throws {
        let times = write("a", small, until: .seconds(30))
        let last = try #require(times.last)
        let share = Double(times.count) * (small.latency / .seconds(1)) / (last / .seconds(1))
        #expect(share > 0.45 && share < 0.55)
    }

    @Test("the more keep changing together, the larger they are and the slower the server, the longer the intervals")
    func growth() {
        /// On the average, of objects that are written whenever they may be.
        func interval(objects: Int, _ cost: WriteCost) -> Duration {
            var pacing = WritePacing<Int>()
            var writes = 0
            for centisecond in 0..<2_000 {
                let now = Duration.milliseconds(10 * centisecond)
                for object in 0..<objects where pacing.delay(object, now: now) == nil {
                    pacing.wrote(object, cost, now: now)
                    if centisecond >= 1_000 { writes += 1 }
                }
            }
            return .seconds(10) * objects / writes
        }
        let base = interval(objects: 20, small)
        #expect(base > .milliseconds(190) && base < .milliseconds(250))
        #expect(interval(objects: 80, small) > base * 3)
        #expect(interval(objects: 20, WriteCost(bytes: 1_000, latency: .milliseconds(40))) > base * 5)
        #expect(interval(objects: 20, WriteCost(bytes: 200_000, latency: .milliseconds(5))) > base * 5)
    }

    @Test("the interval grows from write to write, to five seconds at most, and a quiet time resets it")
    mutating func ramp() throws {
        let slow = WriteCost(bytes: 1_000, latency: .milliseconds(50))
        var now = Duration.seconds(1)
        for other in 0..<1_000 { pacing.wrote("\(other)", slow, now: now) }
        var delays: [Duration] = []
        for _ in 0..<6 {
            pacing.wrote("a", slow, now: now)
            let delay = try #require(pacing.delay("a", now: now))
            delays.append(delay)
            now += delay
            for other in 0..<1_000 { pacing.wrote("\(other)", slow, now: now) }
        }
        #expect(delays == delays.sorted() && delays[0] < .milliseconds(200))
        #expect(delays[5] > .seconds(4) && delays[5] <= Pacing.longestInterval)

        now += Pacing.quietTime
        #expect(pacing.delay("a", now: now) == nil)
        pacing.wrote("a", slow, now: now)
        #expect(try #require(pacing.delay("a", now: now)) < .milliseconds(200))
    }

    @Test("an object that is gone leaves nothing behind for the next one of its name")
    mutating func removal() {
        for _ in 0..<10 { pacing.wrote("a", small, now: .seconds(1)) }
        #expect(pacing.delay("a", now: .seconds(1)) != nil)
        pacing.removed("a")
        #expect(pacing.delay("a", now: .seconds(1)) == nil)
    }

    @Test("what is quiet is forgotten")
    mutating func bounded() {
        for second in 0..<100 {
            for object in 0..<1_000 {
                pacing.wrote("\(second)-\(object)", small, now: .seconds(second))
            }
            #expect(pacing.count <= 1_000 * 21)
        }
        pacing.wrote("last", small, now: .seconds(200))
        #expect(pacing.count == 1)
    }

    @Test(
        "whatever changes, the last change is written within five seconds, and no more is written than there is room for",
        arguments: SeededGenerator.seeds(8))
    func property(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        var world = PacedWorld(objects: .random(in: 1...300, using: &random))
        let rate = Int.random(in: 1...2_000, using: &random)
        let seconds = 60
        for millisecond in 1...seconds * 1_000 {
            world.now = .milliseconds(millisecond)
            // The clients and servers of other tests want to go on meanwhile.
            if millisecond % 1_000 == 0 { await Task.yield() }
            if Int.random(in: 0..<1_000, using: &random) < rate {
                for _ in 0...rate / 1_000 { world.change(.random(in: 0..<world.count, using: &random)) }
            }
            let latency = Duration.microseconds(.random(in: 2_000...20_000, using: &random))
            world.writeWhatMay(latency: latency)
        }
        #expect(world.longestWait <= Pacing.longestInterval)
        world.now += Pacing.longestInterval
        world.writeWhatMay(latency: .milliseconds(1))
        #expect(world.isDelivered, "of \(world.count) objects")
        // Six on the way to the longest interval, again after each quiet time; and what all share.
        let quietTimes = seconds / 10
        let longest: Double = Pacing.longestInterval / Duration.seconds(1)
        let capped = Double(seconds) / longest
        let shared = Double(seconds) * Pacing.share / 0.008
        let law = Double(world.count) * (6 * Double(1 + quietTimes) + capped) + shared
        #expect(Double(world.writes) <= law)
    }
}

/// Objects that change, and a server that takes whatever may be written at once.
private struct PacedWorld {
    private var pacing = WritePacing<Int>()
    private var desired: [Int]
    private var delivered: [Int]
    private var dirtySince: [Int: Duration] = [:]
    var now = Duration.zero
    private(set) var writes = 0
    private(set) var longestWait = Duration.zero

    init(objects: Int) {
        desired = Array(repeating: 0, count: objects)
        delivered = desired
    }

    var count: Int { desired.count }
    var isDelivered: Bool { desired == delivered }

    mutating func change(_ object: Int) {
        desired[object] += 1
        if dirtySince[object] == nil { dirtySince[object] = now }
    }

    mutating func writeWhatMay(latency: Duration) {
        for (object, since) in dirtySince where pacing.delay(object, now: now) == nil {
            delivered[object] = desired[object]
            dirtySince[object] = nil
            longestWait = max(longestWait, now - since)
            writes += 1
            pacing.wrote(object, WriteCost(bytes: 5_000, latency: latency), now: now)
        }
    }
}
