import IsthmusTesting
import Testing

@testable import Deliveries

@Suite("the limit of concurrent writes")
struct ConcurrencyLimitTests {
    private var limit = ConcurrencyLimit(4...64)

    private mutating func succeed(_ count: Int, _ latency: Duration, isLimited: Bool = true) {
        for _ in 0..<count {
            limit.succeeded(WriteCost(bytes: 0, latency: latency), isLimited: isLimited, now: .zero)
        }
    }

    @Test("it grows while latency stays as it is, up to its bound, and only when there is more to write")
    mutating func growth() {
        succeed(1_000, .milliseconds(5), isLimited: false)
        #expect(limit.limit == 16)
        succeed(10_000, .milliseconds(5))
        #expect(limit.limit == 64)
    }

    @Test("it shrinks when latency grows, to its bound")
    mutating func shrinking() {
        succeed(16, .milliseconds(5))
        succeed(10_000, .milliseconds(500))
        #expect(limit.limit == 8, "with all of them waiting, eight are enough")
    }

    @Test("a large object that takes longer says nothing of the server")
    mutating func size() {
        succeed(100, .milliseconds(5))
        for _ in 0..<1_000 {
            let large = WriteCost(bytes: 320 << 10, latency: .milliseconds(55))
            limit.succeeded(large, isLimited: true, now: .zero)
        }
        #expect(limit.limit > 16)
    }

    @Test("refusals that come together halve it once, later ones again, never below its bound; then it recovers")
    mutating func overload() {
        for _ in 0..<20 { limit.overloaded(now: .seconds(1)) }
        #expect(limit.limit == 8)
        for second in 3..<20 { limit.overloaded(now: .seconds(second)) }
        #expect(limit.limit == 4)
        for _ in 0..<10_000 {
            limit.succeeded(WriteCost(bytes: 0, latency: .milliseconds(5)), isLimited: true, now: .seconds(30))
        }
        #expect(limit.limit == 64)
    }

    @Test("it finds about what a server works on at once, and keeps it busy", arguments: [1, 2, 4, 8, 16, 32, 48])
    func capacity(slots: Int) {
        var server = SimulatedServer(slots: slots)
        let result = server.run(.seconds(60))
        #expect(result.meanLimit >= Double(slots), "mean limit \(result.meanLimit)")
        #expect(result.meanLimit <= Double(max(2 * slots + 10, 16)), "mean limit \(result.meanLimit)")
        #expect(result.utilization > 0.9)
    }

    @Test("it doesn't collapse before a server that refuses what exceeds a number", arguments: [6, 12, 24])
    func refusals(allowed: Int) {
        var server = SimulatedServer(slots: 4, allowed: allowed)
        let result = server.run(.seconds(60))
        #expect(result.meanLimit >= 4 && result.meanLimit <= Double(allowed) + 2, "mean limit \(result.meanLimit)")
        #expect(result.utilization > 0.9)
    }

    @Test("a server that becomes slower and recovers is followed both ways")
    func slowAndBack() {
        var server = SimulatedServer(slots: 24)
        let before = server.run(.seconds(30))
        server.slots = 4
        let slow = server.run(.seconds(30))
        server.slots = 24
        let after = server.run(.seconds(60))
        #expect(slow.meanLimit < before.meanLimit / 1.5)
        #expect(after.meanLimit > 24 && after.utilization > 0.9)
    }
}

/// A server that works on some writes at once while the others wait, and clients that always have one more to send.
private struct SimulatedServer {
    struct Outcome {
        /// Of the second half, weighted with the writes.
        var meanLimit: Double
        /// How much of what the server can do it did.
        var utilization: Double
    }

    private static let service = Duration.milliseconds(10)

    var slots: Int
    /// More than this under way are refused.
    var allowed = Int.max
    private var limit = ConcurrencyLimit(4...64)
    private var random = SeededGenerator(seed: 7)
    private var now = Duration.zero
    private var waiting: ArraySlice<Duration> = []
    /// When it was sent, and when it will be done.
    private var working: [(sent: Duration, done: Duration)] = []

    init(slots: Int, allowed: Int = .max) {
        self.slots = slots
        self.allowed = allowed
    }

    mutating func run(_ time: Duration) -> Outcome {
        let (start, end) = (now, now + time)
        var (writes, limits, counted) = (0, 0, 0)
        while now < end {
            send()
            guard let next = working.indices.min(by: { working[$0].done < working[$1].done }) else { break }
            let write = working.remove(at: next)
            now = write.done
            limit.succeeded(WriteCost(bytes: 0, latency: now - write.sent), isLimited: true, now: now)
            writes += 1
            if now - start > time / 2 {
                limits += limit.limit
                counted += 1
            }
        }
        return Outcome(
            meanLimit: Double(limits) / Double(counted),
            utilization: Double(writes) * (Self.service / time) / Double(slots))
    }

    private mutating func send() {
        while waiting.count + working.count < limit.limit {
            if waiting.count + working.count >= allowed {
                limit.overloaded(now: now)
                // Whoever was refused comes again later.
                break
            }
            waiting.append(now)
        }
        while working.count < slots, let sent = waiting.popFirst() {
            working.append((sent, now + Self.service * Double.random(in: 0.5...1.5, using: &random)))
        }
    }
}
