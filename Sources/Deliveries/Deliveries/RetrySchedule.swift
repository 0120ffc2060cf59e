/// When which key is to be looked at again: each once, at the time that was said last.
///
/// A pure state machine over a heap. Its owner sleeps: whoever is given a time sleeps until then, asks `wake`, and goes on for as
/// long as that names another time. Only for what is due before all who sleep wake, another sleeper is asked for.
struct RetrySchedule<Key: Hashable & Sendable>: Sendable {
    private var times: [Key: Duration] = [:]
    /// A binary heap; what isn't in `times` like this has another time by now, or none.
    private var heap: [(time: Duration, key: Key)] = []
    /// When those who sleep wake, the first of them last.
    private var sleepers: [Duration] = []

    subscript(key: Key) -> Duration? { times[key] }

    var count: Int { times.count }

    /// - Returns: Until when somebody else has to sleep for it.
    mutating func set(_ key: Key, at time: Duration) -> Duration? {
        guard times[key] != time else { return nil }
        times[key] = time
        push((time, key))
        if heap.count > 2 * times.count + 64 {
            // Sorted is a heap, too.
            heap = times.map { (time: $0.value, key: $0.key) }.sorted { $0.time < $1.time }
        }
        return sleeper()
    }

    mutating func remove(_ key: Key) {
        times[key] = nil
    }

    /// Somebody who slept until `time` woke.
    /// - Returns: What is due, and until when to sleep again.
    mutating func wake(_ time: Duration, now: Duration) -> (due: [Key], next: Duration?) {
        if let index = sleepers.lastIndex(of: time) { sleepers.remove(at: index) }
        var due: [Key] = []
        while let first = heap.first, first.time <= now {
            pop()
            guard times[first.key] == first.time else { continue }
            times[first.key] = nil
            due.append(first.key)
        }
        return (due, sleeper())
    }

    private mutating func sleeper() -> Duration? {
        while let first = heap.first, times[first.key] != first.time { pop() }
        guard let next = heap.first?.time, sleepers.last.map({ next < $0 }) ?? true else { return nil }
        sleepers.append(next)
        return next
    }

    // MARK: The heap

    private mutating func push(_ entry: (time: Duration, key: Key)) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].time <= heap[child].time { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].time < heap[least].time { least = child }
            }
            if least == parent { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
