internal import HeapModule

/// The time at which each key is due again. A key is due once, at the time that was set last.
///
/// It is a pure state machine; its owner sleeps. A task that is given a time sleeps until then, calls `wake`, and
/// repeats that for as long as `wake` gives another time. Another task is asked for only where a key is due before the
/// first sleeper wakes.
struct RetrySchedule<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable {
        var time: Duration
        var key: Key

        static func < (left: Entry, right: Entry) -> Bool { left.time < right.time }
    }

    private var times: [Key: Duration] = [:]
    /// Also has outdated entries: the key's time in `times` is another one, or it has none.
    private var heap: Heap<Entry> = []
    /// The times at which the sleepers wake, the first one last.
    private var sleepers: [Duration] = []

    subscript(key: Key) -> Duration? { times[key] }

    var count: Int { times.count }

    /// - Returns: The time until which another task has to sleep; `nil` where a sleeper wakes early enough.
    mutating func set(_ key: Key, at time: Duration) -> Duration? {
        guard times[key] != time else { return nil }
        times[key] = time
        heap.insert(Entry(time: time, key: key))
        if heap.count > 2 * times.count + 64 { heap = Heap(times.map { Entry(time: $0.value, key: $0.key) }) }
        return sleeper()
    }

    mutating func remove(_ key: Key) {
        times[key] = nil
    }

    /// The sleeper of `time` woke.
    /// - Returns: The keys that are due, and the time until which the sleeper has to sleep again.
    mutating func wake(_ time: Duration, now: Duration) -> (due: [Key], next: Duration?) {
        if let index = sleepers.lastIndex(of: time) { sleepers.remove(at: index) }
        var due: [Key] = []
        while let first = heap.min, first.time <= now {
            heap.removeMin()
            guard times[first.key] == first.time else { continue }
            times[first.key] = nil
            due.append(first.key)
        }
        return (due, sleeper())
    }

    private mutating func sleeper() -> Duration? {
        while let first = heap.min, times[first.key] != first.time { heap.removeMin() }
        guard let next = heap.min?.time, sleepers.last.map({ next < $0 }) ?? true else { return nil }
        sleepers.append(next)
        return next
    }
}
