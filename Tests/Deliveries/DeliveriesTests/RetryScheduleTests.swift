import IsthmusTesting
import Testing

@testable import Deliveries

@Suite("the schedule of repetitions")
struct RetryScheduleTests {
    private var schedule = RetrySchedule<String>()

    @Test("somebody sleeps for the first that is due, and then for the next")
    mutating func order() {
        #expect(schedule.set("late", at: .seconds(9)) == .seconds(9))
        #expect(schedule.set("early", at: .seconds(3)) == .seconds(3))
        #expect(schedule.set("between", at: .seconds(5)) == nil)
        var woken = schedule.wake(.seconds(3), now: .seconds(3))
        #expect(woken.due == ["early"] && woken.next == .seconds(5))
        woken = schedule.wake(.seconds(5), now: .seconds(6))
        // Whoever sleeps until nine sees to the rest.
        #expect(woken.due == ["between"] && woken.next == nil)
        woken = schedule.wake(.seconds(9), now: .seconds(9))
        #expect(woken.due == ["late"] && woken.next == nil && schedule.count == 0)
    }

    @Test("a key is due at the time that was said last, earlier or later, or not at all")
    mutating func last() {
        _ = schedule.set("a", at: .seconds(5))
        #expect(schedule.set("a", at: .seconds(1)) == .seconds(1))
        #expect(schedule.set("a", at: .seconds(3)) == nil)
        var woken = schedule.wake(.seconds(1), now: .seconds(1))
        #expect(woken.due == [] && woken.next == .seconds(3))
        schedule.remove("a")
        woken = schedule.wake(.seconds(3), now: .seconds(3))
        #expect(woken.due == [] && woken.next == nil)
    }

    @Test(
        "whatever is set and removed, each key is due once, in time, and few sleep", arguments: SeededGenerator.seeds(5)
    )
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var schedule = RetrySchedule<Int>()
        var expected: [Int: Duration] = [:]
        var sleepers: [Duration] = []
        var now = Duration.zero
        for _ in 0..<20_000 {
            now += .milliseconds(Int.random(in: 0...20, using: &random))
            while let time = sleepers.min(), time <= now {
                sleepers.remove(at: sleepers.firstIndex(of: time) ?? 0)
                let (due, next) = schedule.wake(time, now: now)
                for key in due {
                    let isDue = expected.removeValue(forKey: key).map { $0 <= now } ?? false
                    #expect(isDue)
                }
                if let next { sleepers.append(next) }
            }
            let isInTime = expected.values.allSatisfy { $0 > now }
            #expect(isInTime)
            let key = Int.random(in: 0..<50, using: &random)
            if Int.random(in: 0..<5, using: &random) == 0 {
                schedule.remove(key)
                expected[key] = nil
            } else {
                let time = now + .milliseconds(Int.random(in: 1...60_000, using: &random))
                expected[key] = time
                if let sleeper = schedule.set(key, at: time) { sleepers.append(sleeper) }
            }
            #expect(sleepers.count <= 30 && schedule.count == expected.count)
        }
    }
}
