internal import DequeModule

/// Keys that need work, each at most once (the dirty and processing sets of client-go's `workqueue`), in the lanes in
/// which they wait. A pure state machine.
struct WorkLanes<Key: Hashable & Sendable>: Sendable {
    private struct Need {
        /// The time at which the key was added first.
        var since: ContinuousClock.Instant
        var lane: Lane
        /// The round in which the key was added first.
        var round: Int
    }

    /// Keys in the order of their arrival. A key that is no longer dirty, or now waits in another lane, is skipped.
    private var queues: [Lane: Deque<Key>] = [:]
    private var dirty: [Key: Need] = [:]
    /// The keys that have a worker, with the rounds in which they were added.
    private var processing: [Key: Int] = [:]
    /// The number of keys of each lane that are dirty and have no worker.
    private var counts: [Lane: Int] = [:]
    private var round = 0

    /// The number of keys that have a worker.
    var processingCount: Int { processing.count }
    /// The number of keys that wait for a worker.
    var waiting: Int { counts.values.reduce(0, +) }
    /// The lanes in which keys wait.
    var waitingLanes: [Lane] { Lane.allCases.filter { counts[$0, default: 0] > 0 } }

    /// Adds a key. A key that waits already keeps its lane, unless it waits in the background and is needed now.
    mutating func add(_ key: Key, _ lane: Lane, since: ContinuousClock.Instant) {
        let known = dirty[key]
        if let known, lane == .background || known.lane != .background { return }
        let need = Need(since: known?.since ?? since, lane: lane, round: round)
        dirty[key] = need
        if processing[key] != nil { return }
        if let known { counts[known.lane, default: 0] -= 1 }
        append(key, need)
    }

    /// What waits already goes before what comes to wait from now on, whatever its lane.
    mutating func beginRound() {
        round += 1
    }

    /// The next key of these lanes: of those that have waited since the earliest round, one of the first lane. The
    /// caller has it until it calls `done`.
    mutating func take(_ lanes: some Sequence<Lane>) -> (key: Key, since: ContinuousClock.Instant)? {
        var next: (key: Key, need: Need)?
        for lane in lanes {
            guard let first = first(lane), first.need.round < next?.need.round ?? .max else { continue }
            next = first
        }
        guard let (key, need) = next else { return nil }
        queues[need.lane]?.removeFirst()
        processing[key] = need.round
        dirty[key] = nil
        counts[need.lane, default: 0] -= 1
        return (key, need.since)
    }

    /// The first key that waits in a lane.
    private mutating func first(_ lane: Lane) -> (key: Key, need: Need)? {
        guard counts[lane, default: 0] > 0 else { return nil }
        while let key = queues[lane]?.first {
            if let need = dirty[key], need.lane == lane, processing[key] == nil { return (key, need) }
            queues[lane]?.removeFirst()
        }
        return nil
    }

    /// The work on a key is done. A key that was added meanwhile waits again.
    mutating func done(_ key: Key) {
        guard processing.removeValue(forKey: key) != nil, let need = dirty[key] else { return }
        append(key, need)
    }

    /// The work on a key was not begun: it goes on waiting in this lane.
    mutating func hold(_ key: Key, _ lane: Lane, since: ContinuousClock.Instant) {
        guard let round = processing.removeValue(forKey: key) else { return }
        let need = Need(since: min(dirty[key]?.since ?? since, since), lane: lane, round: round)
        dirty[key] = need
        append(key, need)
        // A write whose turn it was keeps its place.
        if round < self.round, let last = queues[lane]?.popLast() { queues[lane]?.prepend(last) }
    }

    private mutating func append(_ key: Key, _ need: Need) {
        queues[need.lane, default: []].append(key)
        counts[need.lane, default: 0] += 1
    }
}
