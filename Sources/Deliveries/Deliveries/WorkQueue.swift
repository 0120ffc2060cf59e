internal import DequeModule
internal import Synchronization

/// Keys that need work, each at most once (the dirty and processing sets of client-go's `workqueue`).
///
/// A key that is added while a worker has it is handed out again after that worker is done. A key that is added a
/// hundred times is handed out once. So a key has one worker at a time, changes coalesce, and the number of keys bounds the
/// memory. A key in the background is handed out when no other key waits.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    package typealias Item = (key: Key, since: ContinuousClock.Instant)

    private struct Need {
        /// The time at which the key was added first.
        var since: ContinuousClock.Instant
        var isInBackground: Bool
    }

    private struct State {
        /// Keys in the order of their arrival. A key that is no longer dirty, or now has the other urgency, is skipped.
        var urgent: Deque<Key> = []
        var background: Deque<Key> = []
        var dirty: [Key: Need] = [:]
        var processing: Set<Key> = []
        /// The number of keys that are dirty and have no worker.
        var waiting = 0
        /// The workers that wait for a key, the latest one at the end.
        var idle: [(id: Int, worker: CheckedContinuation<Item?, Never>)] = []
        var nextID = 0
        var isFinished = false

        mutating func append(_ key: Key, _ need: Need) {
            if need.isInBackground { background.append(key) } else { urgent.append(key) }
        }

        mutating func pop() -> Item? {
            while let key = urgent.popFirst() {
                if dirty[key]?.isInBackground == false, let item = begin(key) { return item }
            }
            while let key = background.popFirst() {
                if dirty[key]?.isInBackground == true, let item = begin(key) { return item }
            }
            return nil
        }

        private mutating func begin(_ key: Key) -> Item? {
            guard !processing.contains(key), let need = dirty.removeValue(forKey: key) else { return nil }
            processing.insert(key)
            waiting -= 1
            return (key, need.since)
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a key.
    /// - Parameter isInBackground: Whether the key can wait until no other key does.
    package func add(_ key: Key, isInBackground: Bool = false, now: ContinuousClock.Instant = .now) {
        let handover = state.withLock { state -> (CheckedContinuation<Item?, Never>, Item)? in
            if state.isFinished { return nil }
            let known = state.dirty[key]
            if let known, isInBackground || !known.isInBackground { return nil }
            let need = Need(since: known?.since ?? now, isInBackground: isInBackground)
            state.dirty[key] = need
            if state.processing.contains(key) { return nil }
            if known == nil { state.waiting += 1 }
            state.append(key, need)
            guard !state.idle.isEmpty, let item = state.pop(), let (_, worker) = state.idle.popLast() else {
                return nil
            }
            return (worker, item)
        }
        if let (worker, item) = handover { worker.resume(returning: item) }
    }

    /// The next key. The caller has it until it calls `done`.
    /// - Returns: `nil` when the queue is finished, or the task is cancelled.
    package func next() async -> Item? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> Item?? in
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    if let item = state.pop() { return .some(item) }
                    state.idle.append((id, continuation))
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            let cancelled = state.withLock { state in
                state.idle.firstIndex { $0.id == id }.map { state.idle.remove(at: $0) }
            }
            cancelled?.worker.resume(returning: nil)
        }
    }

    /// The caller's work on the key is done.
    package func done(_ key: Key) {
        let handover = state.withLock { state -> (CheckedContinuation<Item?, Never>, Item)? in
            guard state.processing.remove(key) != nil, let need = state.dirty[key] else { return nil }
            state.waiting += 1
            state.append(key, need)
            guard !state.idle.isEmpty, let item = state.pop(), let (_, worker) = state.idle.popLast() else {
                return nil
            }
            return (worker, item)
        }
        if let (worker, item) = handover { worker.resume(returning: item) }
    }

    /// Ends the queue: it hands out no more keys, and the workers that wait get `nil`.
    package func finish() {
        let idle = state.withLock { state in
            state.isFinished = true
            defer { state.idle = [] }
            return state.idle
        }
        for (_, worker) in idle { worker.resume(returning: nil) }
    }

    /// The number of dirty keys.
    package var count: Int { state.withLock { $0.dirty.count } }

    /// The number of keys that wait for a worker.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// The number of keys that wait for a worker or have one.
    package var unfinished: Int { state.withLock { $0.waiting + $0.processing.count } }
}
