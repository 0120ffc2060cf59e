import IsthmusTesting
import Testing

@testable import Deliveries

@Suite("the pacing of writes")
final class PacingTests {
    private static let pause = Duration.milliseconds(130)

    private var pacing = Pacing<String>(concurrency: 4...64, pause: pause)
    private var now = Duration.zero

    /// A pacing whose first sync is over, on a quiet cluster.
    init() {
        pacing.took(waiting: 0, now: .zero)
        pacing.took(waiting: 0, now: FirstSync.head)
        now = .seconds(10)
    }

    private func pass(_ duration: Duration) {
        now += duration
        pacing.advance(to: now)
    }

    private func begin(_ lane: Lane) -> Bool { pacing.begin(lane, now: now) }

    private func end(bytes: Int = 1_000) {
        pacing.wrote("a", WriteCost(bytes: bytes, latency: .milliseconds(1)), isLimited: false, now: now)
        pacing.end()
    }

    private func opening(_ lane: Lane) -> Duration? { pacing.opening(of: lane, now: now).map { $0 - now } }

    // MARK: Bursts and breaths

    @Test("on a quiet cluster every write begins at once", arguments: [Lane.removal, .fullPush, .endpoints])
    func quiet(lane: Lane) {
        for _ in 0..<3 {
            #expect(begin(lane))
            pass(.milliseconds(5))
            end()
            pacing.drained(now: now)
            pass(.seconds(3))
        }
    }

    @Test("after a burst nothing is written until its last answer is as old as the pause, but looks go on")
    func breath() {
        #expect(begin(.endpoints) && begin(.endpoints))
        pass(.milliseconds(5))
        end()
        pass(.milliseconds(5))
        end()
        pacing.drained(now: now)
        pass(.milliseconds(10))
        #expect(opening(.endpoints) == Self.pause - .milliseconds(10) && opening(.removal) == opening(.endpoints))
        #expect(opening(.fresh) == nil && opening(.background) == nil)
        #expect(!begin(.removal) && !begin(.endpoints) && !begin(.fullPush))
        pass(Self.pause - .milliseconds(10))
        #expect(begin(.endpoints))
    }

    @Test("a burst ends after 300 ms, and the breath counts from the last answer")
    func longBurst() {
        #expect(begin(.endpoints))
        pass(.milliseconds(299))
        #expect(begin(.endpoints))
        end()
        pass(.milliseconds(1))
        #expect(!begin(.endpoints))
        pass(.milliseconds(50))
        end()
        #expect(opening(.endpoints) == Self.pause)
    }

    @Test("a write that hangs delays the others by a second")
    func hanging() {
        #expect(begin(.endpoints))
        pass(Pacing<String>.burstLength)
        #expect(opening(.endpoints) == Pacing<String>.answerPatience)
        pass(Pacing<String>.answerPatience)
        #expect(begin(.endpoints))
        end()
        pacing.drained(now: now)
        #expect(begin(.endpoints), "the burst goes on, since a write is under way")
    }

    @Test("the silence begins anew when the watch shows a write after its answer, but not for ever")
    func echo() {
        #expect(begin(.endpoints))
        end()
        pacing.drained(now: now)
        pass(.milliseconds(100))
        pacing.echoed(now: now)
        #expect(opening(.endpoints) == Self.pause)
        for _ in 0..<4 {
            pass(.milliseconds(100))
            pacing.echoed(now: now)
        }
        #expect(opening(.endpoints) == .milliseconds(30), "the last answer is too old to wait for its echo")
    }

    @Test("a write that the watch shows before its answer changes nothing")
    func fastEcho() {
        #expect(begin(.endpoints))
        pacing.echoed(now: now)
        pass(.milliseconds(5))
        end()
        pacing.drained(now: now)
        #expect(opening(.endpoints) == Self.pause)
    }

    @Test("a burst that wrote nothing needs no breath")
    func nothingWritten() {
        #expect(begin(.endpoints))
        pacing.end()
        pacing.drained(now: now)
        #expect(opening(.endpoints) == nil)
    }

    @Test("with a pause of zero endpoints are written at once, and full pushes are gathered all the same")
    func noPause() {
        pacing = Pacing(concurrency: 4...64, pause: .zero)
        pacing.took(waiting: 0, now: .zero)
        pacing.took(waiting: 0, now: now)
        for _ in 0..<200 {
            #expect(begin(.endpoints))
            pass(.milliseconds(5))
            #expect(begin(.removal))
            end()
            end()
            pacing.drained(now: now)
        }
        #expect(begin(.fullPush))
        end()
        pacing.drained(now: now)
        pass(.milliseconds(5))
        #expect(opening(.fullPush) == Pacing<String>.fullPushInterval - .milliseconds(5) && opening(.endpoints) == nil)
    }

    @Test("an unpaced delivery holds up nothing")
    func unpaced() {
        pacing = .unpaced(workers: 3)
        for _ in 0..<100 {
            for lane in [Lane.removal, .fullPush, .endpoints] { #expect(begin(lane)) }
            for _ in 0..<3 { end(bytes: 1 << 20) }
            pacing.drained(now: now)
        }
        #expect(pacing.delay("a", now: now) == nil && pacing.limit == 3)
    }

    // MARK: Full pushes

    @Test("the first full push goes at once, the next ones go together two seconds after it")
    func gathering() {
        #expect(begin(.fullPush))
        end()
        pacing.drained(now: now)
        pass(.milliseconds(200))
        #expect(begin(.endpoints), "endpoints don't wait for it")
        #expect(!begin(.fullPush))
        end()
        pacing.drained(now: now)
        #expect(opening(.fullPush) == .milliseconds(1_800))
        pass(.milliseconds(1_800))
        #expect(begin(.fullPush) && begin(.fullPush))
    }

    @Test("a burst with full pushes may last for a second, and the next one comes a second later")
    func fullBurst() {
        #expect(begin(.endpoints))
        pass(.milliseconds(200))
        #expect(begin(.fullPush))
        pass(.milliseconds(999))
        #expect(begin(.fullPush) && begin(.endpoints))
        for _ in 0..<4 { end() }
        pass(.milliseconds(1))
        #expect(opening(.endpoints) == Self.pause - .milliseconds(1) && opening(.fullPush) == .seconds(1))
    }

    // MARK: The first sync

    @Test("what is there at the start is written without a breath, until nothing waits after the first second")
    func firstSync() {
        pacing = Pacing(concurrency: 4...64, pause: Self.pause)
        for millisecond in 0..<2_000 {
            pacing.took(waiting: millisecond < 1_999 ? 100 : 0, now: now)
            #expect(begin(millisecond % 2 == 0 ? .fullPush : .endpoints))
            pass(.milliseconds(1))
            end()
            pacing.drained(now: now)
        }
        #expect(!begin(.endpoints))
    }

    @Test("where changes come faster than they are written, the first sync ends with what waited after ten seconds")
    func endlessFirstSync() {
        var sync = FirstSync()
        var taken = 0
        for second in 0...9 { _ = sync.isOver(waiting: 100, now: .seconds(second)) }
        repeat { taken += 1 } while !sync.isOver(waiting: 1_000, now: .seconds(11))
        #expect(taken == 100)
    }

    // MARK: Whatever happens

    /// A cluster that changes, a pacing, and what istiod would make of the writes.
    @Test(
        "whatever changes, no write waits for ever, and between bursts there is silence",
        arguments: SeededGenerator.seeds(4))
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rate = Double.random(in: 0.001...0.2, using: &random)
        let latency = 1...Int.random(in: 2...30, using: &random)
        var waiting: [(lane: Lane, since: Duration)] = []
        var underWay: [Duration] = []
        var (burstBegan, lastAnswer) = (now, Duration.zero)
        var (longestBurst, longestWait, longestWaitForFullPush) = (Duration.zero, Duration.zero, Duration.zero)
        for _ in 0..<5_000 {
            pass(.milliseconds(1))
            for answer in underWay where answer <= now {
                end()
                lastAnswer = answer
            }
            underWay.removeAll { $0 <= now }
            if Double.random(in: 0..<1, using: &random) < rate {
                let lane = [Lane.removal, .endpoints, .endpoints, .fullPush].randomElement(using: &random)
                waiting.append((lane ?? .endpoints, now))
            }
            waiting.removeAll { need in
                guard underWay.count < 16, begin(need.lane) else { return false }
                if underWay.isEmpty, now - lastAnswer >= Self.pause { burstBegan = now }
                longestBurst = max(longestBurst, now - burstBegan)
                if need.lane == .fullPush {
                    longestWaitForFullPush = max(longestWaitForFullPush, now - need.since)
                } else {
                    longestWait = max(longestWait, now - need.since)
                }
                underWay.append(now + .milliseconds(Int.random(in: latency, using: &random)))
                return true
            }
            if underWay.isEmpty, waiting.allSatisfy({ opening($0.lane) != nil }) { pacing.drained(now: now) }
        }
        // A burst that full pushes join at its end lasts for so long.
        #expect(longestBurst <= Pacing<String>.burstLength + Pacing<String>.fullBurstLength)
        #expect(longestWait < .milliseconds(500))
        #expect(longestWaitForFullPush < .milliseconds(2_500))
    }
}
