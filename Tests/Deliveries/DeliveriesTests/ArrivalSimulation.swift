import IsthmusTesting
import IstioAPI

@testable import Deliveries

/// Services whose endpoints come and go at a rate, the queue of a delivery, an API server, and istiod's debounce: how
/// long each change takes until istiod pushes it.
struct ArrivalSimulation {
    struct Change {
        var isRemoval: Bool
        var time: Duration
    }

    /// A write under way.
    private struct Write {
        var key: Int
        var changes: [Change]
        var sent: Duration
        var end: Duration
    }

    /// Changes a second, evenly.
    var rate: Int
    /// How many writes the API server ends in a second.
    var capacity: Int
    /// A write takes so long where it waits for no other one.
    var latency = Duration.milliseconds(5)
    /// How much later than the answer a watch may show a write.
    var lag = Duration.milliseconds(10)
    var services = 299
    var seconds = 20
    var bytes = 2_000

    private var random: SeededGenerator
    private var queue = PacedLanes(pacing: Pacing<Int>(concurrency: 4...64, pause: .milliseconds(130)))
    private var now = Duration.zero
    /// What the cluster does not show yet, by service.
    private var pending: [Int: [Change]] = [:]
    private var writes: [Write] = []
    /// When the server can begin with another write: each of its two cores.
    private var serverFree = [Duration.zero, .zero]
    private var shown: [(time: Duration, changes: [Change])] = []
    /// When the delivery's own watch shows writes.
    private var echoes: [Duration] = []
    private(set) var writeCount = 0

    init(rate: Int, capacity: Int, seed: UInt64 = 1) {
        self.rate = rate
        self.capacity = capacity
        random = SeededGenerator(seed: seed)
    }

    /// - Returns: From each change to its push, sorted.
    mutating func run() -> [Duration] {
        // The first sync is over.
        queue.pacing.took(waiting: 0, now: .zero)
        queue.pacing.took(waiting: 0, now: .seconds(1))
        now = .seconds(1)
        var made = 0
        let start = now
        while now < start + .seconds(seconds + 5) {
            queue.pacing.advance(to: now)
            while made < rate * seconds, start + .seconds(1) * made / rate <= now {
                change()
                made += 1
            }
            answer()
            while let item = queue.take(now: now) { work(on: item) }
            queue.rest(now: now)
            now += .milliseconds(1)
        }
        let seen = shown.sorted { $0.time < $1.time }
        let pushes = Debounce().pushes(after: seen.map { Debounce.Write(at: $0.time) })
        return pushes.flatMap { push in
            push.writes.flatMap { write in seen[write].changes.map { push.time - $0.time } }
        }.sorted()
    }

    private mutating func change() {
        let key = Int.random(in: 0..<services, using: &random)
        pending[key, default: []].append(Change(isRemoval: Bool.random(using: &random), time: now))
        queue.lanes.add(key, .fresh, since: .now)
    }

    private mutating func answer() {
        for write in writes where write.end <= now {
            queue.pacing.wrote(
                write.key, WriteCost(bytes: bytes, latency: now - write.sent), isLimited: queue.isLimited, now: now)
            queue.pacing.end()
            queue.lanes.done(write.key)
            let time = now + lag * Double.random(in: 0...1, using: &random)
            shown.append((time: time, changes: write.changes))
            echoes.append(time)
        }
        for echo in echoes where echo <= now { queue.pacing.echoed(now: echo) }
        echoes.removeAll { $0 <= now }
        writes.removeAll { $0.end <= now }
    }

    private mutating func work(on item: (key: Int, since: ContinuousClock.Instant)) {
        guard let changes = pending[item.key] else { return queue.lanes.done(item.key) }
        let lane: Lane = changes.contains(where: \.isRemoval) ? .removal : .endpoints
        guard queue.begin(lane, now: now) else { return queue.lanes.hold(item.key, lane, since: item.since) }
        pending[item.key] = nil
        writeCount += 1
        let core = serverFree[0] <= serverFree[1] ? 0 : 1
        let work = Duration.seconds(2) / capacity * Double.random(in: 0.5...1.5, using: &random)
        serverFree[core] = max(serverFree[core], now) + work
        writes.append(Write(key: item.key, changes: changes, sent: now, end: serverFree[core] + latency - work / 2))
    }
}
