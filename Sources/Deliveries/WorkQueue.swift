internal import Synchronization

/// Keys that need work, each at most once (the dirty and processing sets of client-go's `workqueue`).
///
/// A key that is added while it is being worked on is handed out again after that; added a hundred times, it is handed out
/// once. So there is one worker for a key at a time, changes coalesce, and the memory is bounded by the number of keys.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    package typealias Item = (key: Key, since: ContinuousClock.Instant)

    private struct State {
        var order: [Key] = []
        var head = 0
        /// When each waiting key was first added.
        var dirty: [Key: ContinuousClock.Instant] = [:]
        var processing: Set<Key> = []
        var idle: [CheckedContinuation<Item?, Never>] = []
        var isFinished = false

        var waiting: Int { order.count - head }

        mutating func pop() -> Item? {
            guard head < order.count else { return nil }
            let key = order[head]
            head += 1
            if head > 1024, head * 2 > order.count {
                order.removeFirst(head)
                head = 0
            }
            guard let since = dirty.removeValue(forKey: key) else { return nil }
            processing.insert(key)
            return (key, since)
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func add(_ key: Key, now: ContinuousClock.Instant = .now) {
        let handover = state.withLock { state -> (CheckedContinuation<Item?, Never>, Item)? in
            if state.isFinished || state.dirty[key] != nil { return nil }
            state.dirty[key] = now
            if state.processing.contains(key) { return nil }
            state.order.append(key)
            guard let worker = state.idle.popLast(), let item = state.pop() else { return nil }
            return (worker, item)
        }
        if let (worker, item) = handover { worker.resume(returning: item) }
    }

    /// The next key, which the caller works on until it calls `done`; `nil` when the queue is finished.
    package func next() async -> Item? {
        await withCheckedContinuation { continuation in
            let immediate = state.withLock { state -> Item?? in
                if state.isFinished { return .some(nil) }
                if let item = state.pop() { return .some(item) }
                state.idle.append(continuation)
                return nil
            }
            if let immediate { continuation.resume(returning: immediate) }
        }
    }

    package func done(_ key: Key) {
        let handover = state.withLock { state -> (CheckedContinuation<Item?, Never>, Item)? in
            guard state.processing.remove(key) != nil, state.dirty[key] != nil else { return nil }
            state.order.append(key)
            guard let worker = state.idle.popLast(), let item = state.pop() else { return nil }
            return (worker, item)
        }
        if let (worker, item) = handover { worker.resume(returning: item) }
    }

    /// Hands out nothing more; whoever waits gets `nil`.
    package func finish() {
        let idle = state.withLock { state in
            state.isFinished = true
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.resume(returning: nil) }
    }

    package var count: Int { state.withLock { $0.dirty.count } }

    /// Those that nobody works on yet.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// Those that wait and those that are worked on.
    package var unfinished: Int { state.withLock { $0.waiting + $0.processing.count } }
}
