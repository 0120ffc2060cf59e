internal import DequeModule

/// Keys that need work, each at most once (the dirty and processing sets of client-go's `workqueue`), in the lanes in
/// which they wait. A pure state machine.
struct WorkLanes<Key: Hashable & Sendable>: Sendable {
    private struct Need {
        /// The time at which the key was added first.
        var since: ContinuousClock.Instant
        var lane: Lane
    }

    /// Keys in the order of their arrival. A key that is no longer dirty, or now waits in another lane, is skipped.
    private var queues: [Lane: Deque<Key>] = [:]
    private var dirty: [Key: Need] = [:]
    private var processing: Set<Key> = []
    /// The number of keys of each lane that are dirty and have no worker.
    private var counts: [Lane: Int] = [:]

    /// The number of dirty keys.
    var dirtyCount: Int { dirty.count }
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
        let need = Need(since: known?.since ?? since, lane: lane)
        dirty[key] = need
        if processing.contains(key) { return }
        if let known { counts[known.lane, default: 0] -= 1 }
        append(key, need)
    }

    /// The next key of a lane. The caller has it until it calls `done`.
    mutating func take(_ lane: Lane) -> (key: Key, since: ContinuousClock.Instant)? {
        guard counts[lane, default: 0] > 0 else { return nil }
        while let key = queues[lane]?.popFirst() {
            guard let need = dirty[key], need.lane == lane, processing.insert(key).inserted else { continue }
            dirty[key] = nil
            counts[lane, default: 0] -= 1
            return (key, need.since)
        }
        return nil
    }

    /// The work on a key is done. A key that was added meanwhile waits again.
    mutating func done(_ key: Key) {
        guard processing.remove(key) != nil, let need = dirty[key] else { return }
        append(key, need)
    }

    /// The work on a key was not begun: it goes on waiting in this lane.
    mutating func hold(_ key: Key, _ lane: Lane, since: ContinuousClock.Instant) {
        guard processing.remove(key) != nil else { return }
        let need = Need(since: min(dirty[key]?.since ?? since, since), lane: lane)
        dirty[key] = need
        append(key, need)
    }

    private mutating func append(_ key: Key, _ need: Need) {
        queues[need.lane, default: []].append(key)
        counts[need.lane, default: 0] += 1
    }
}
