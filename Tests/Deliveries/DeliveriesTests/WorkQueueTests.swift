import IsthmusTesting
import Synchronization
import Testing

@testable import Deliveries

@Suite("work queue", .timeLimit(.minutes(1)))
struct WorkQueueTests {
    private let queue = WorkQueue<String>()

    @Test("keys come in the order in which they were added, each once however often it was added")
    func coalescing() async {
        for key in ["a", "b", "a", "c", "b", "a"] { queue.add(key) }
        #expect(queue.waiting == 3)
        #expect(await queue.next()?.key == "a")
        #expect(await queue.next()?.key == "b")
        #expect(await queue.next()?.key == "c")
        #expect(queue.waiting == 0)
    }

    @Test("what is in the background comes when nothing else waits, and at once when it is needed")
    func background() async {
        for key in ["a", "b", "c"] { queue.add(key, isInBackground: true) }
        queue.add("d")
        queue.add("c")
        queue.add("d", isInBackground: true)
        #expect(queue.waiting == 4)
        var keys: [String] = []
        while queue.waiting > 0, let item = await queue.next() {
            keys.append(item.key)
            queue.add(item.key, isInBackground: item.key == "d")
        }
        #expect(keys == ["d", "c", "a", "b"])
        for key in keys { queue.done(key) }
        #expect(queue.waiting == 4 && queue.unfinished == 4)
        keys = []
        for _ in 0..<4 { if let item = await queue.next() { keys.append(item.key) } }
        #expect(keys == ["c", "a", "b", "d"] && queue.waiting == 0)
    }

    @Test("what has waited through a burst goes before what came since, whatever it waits for")
    func rounds() {
        var lanes = WorkLanes<String>()
        func wait(_ key: String, _ lane: Lane) {
            lanes.add(key, .fresh, since: .now)
            _ = lanes.take([.fresh])
            lanes.hold(key, lane, since: .now)
        }
        wait("arrival", .endpoints)
        wait("late arrival", .endpoints)
        wait("removal", .removal)
        #expect(lanes.take([.removal, .endpoints])?.key == "removal")
        lanes.beginRound()
        wait("late removal", .removal)
        #expect(lanes.take([.removal, .endpoints])?.key == "arrival")
        // Its write may not begin after all.
        lanes.hold("arrival", .endpoints, since: .now)
        #expect(lanes.take([.removal, .endpoints])?.key == "arrival")
        #expect(lanes.take([.removal, .endpoints])?.key == "late arrival")
        #expect(lanes.take([.removal, .endpoints])?.key == "late removal")
        #expect(lanes.take([.removal, .endpoints]) == nil && lanes.waiting == 0)
    }

    @Test("whoever waits for a key and is cancelled gets nil, and takes none away")
    func cancelled() async {
        let waiter = Task { await queue.next()?.key }
        waiter.cancel()
        #expect(await waiter.value == nil)
        queue.add("a")
        #expect(await queue.next()?.key == "a")
    }

    @Test("a key waits since it was first added")
    func since() async throws {
        let start = ContinuousClock.now
        queue.add("a", now: start)
        queue.add("a", now: start + .seconds(5))
        #expect(try #require(await queue.next()).since == start)
    }

    @Test("a key that is added while it is worked on comes again, after that and once")
    func whileProcessing() async {
        queue.add("a")
        _ = await queue.next()
        queue.add("a")
        queue.add("a")
        queue.add("b")
        #expect(await queue.next()?.key == "b")
        queue.done("a")
        #expect(await queue.next()?.key == "a")
        queue.done("a")
        queue.done("b")
        #expect(queue.unfinished == 0)
    }

    @Test("a key is done once; saying so again changes nothing")
    func doneTwice() async {
        queue.add("a")
        _ = await queue.next()
        queue.done("a")
        queue.add("a")
        queue.done("a")
        queue.add("b")
        #expect(await queue.next()?.key == "a")
        #expect(await queue.next()?.key == "b")
    }

    @Test("whoever waits gets the next key, or nil when the queue is finished")
    func waiting() async {
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<3 { group.addTask { await queue.next()?.key } }
            queue.add("a")
            #expect(await group.next() == "a")
            queue.finish()
            #expect(await group.next() == .some(nil))
            #expect(await group.next() == .some(nil))
        }
    }

    @Test("a finished queue takes and gives nothing")
    func finished() async {
        queue.add("a")
        queue.finish()
        queue.add("b")
        #expect(await queue.next() == nil)
        #expect(await queue.next() == nil)
    }

    @Test("long queues come in order, and to their end")
    func long() async {
        for index in 0..<5000 { queue.add("\(index)") }
        for index in 0..<5000 {
            #expect(await queue.next()?.key == "\(index)")
            queue.done("\(index)")
        }
        #expect(queue.unfinished == 0)
    }

    /// What concurrent workers saw.
    private final class Tally: Sendable {
        let counts = Mutex(Counts())
    }

    private struct Counts {
        /// The newest value of each key, which adders raise and workers read.
        var newest = [Int](repeating: 0, count: 20)
        var seen = [Int](repeating: 0, count: 20)
        var active: Set<Int> = []
        var overlaps = 0
    }

    @Test("with many adders and workers nothing is lost, and a key has one worker at a time")
    func concurrent() async throws {
        let queue = WorkQueue<Int>()
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { workers in
            defer { queue.finish() }
            for _ in 0..<8 {
                workers.addTask {
                    while let key = await queue.next()?.key {
                        let value = tally.counts.withLock { counts in
                            if !counts.active.insert(key).inserted { counts.overlaps += 1 }
                            return counts.newest[key]
                        }
                        await Task.yield()
                        tally.counts.withLock { counts in
                            counts.seen[key] = value
                            counts.active.remove(key)
                        }
                        queue.done(key)
                    }
                }
            }
            await withTaskGroup(of: Void.self) { adders in
                for adder in 0..<8 {
                    adders.addTask {
                        for step in 0..<500 {
                            let key = (adder * 7 + step) % 20
                            tally.counts.withLock { $0.newest[key] += 1 }
                            queue.add(key)
                            if step % 50 == 0 { await Task.yield() }
                        }
                    }
                }
            }
            try await yield(while: tally.counts.withLock({ $0.seen != $0.newest }) || queue.unfinished > 0)
        }
        let end = tally.counts.withLock { $0 }
        #expect(end.overlaps == 0 && end.seen == end.newest)
    }
}
