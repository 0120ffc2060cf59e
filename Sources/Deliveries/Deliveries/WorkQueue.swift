internal import Synchronization

/// Keys that need work, each at most once (the dirty and processing sets of client-go's `workqueue`).
///
/// A key that is added while it is being worked on is handed out again after that; added a hundred times, it is handed out
/// once. So there is one worker for a key at a time, changes coalesce, and the memory is bounded by the number of keys. What is in the
/// background is handed out when nothing else waits.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    package typealias Item = (key: Key, since: ContinuousClock.Instant)

    /// Keys in the order in which they came. Some may not be waiting any more.
    private struct Line {
        private var keys: [Key] = []
        private var head = 0

        mutating func append(_ key: Key) { keys.append(key) }

        mutating func popFirst() -> Key? {
            guard head < keys.count else { return nil }
            defer { head += 1 }
            if head > 1024, head * 2 > keys.count {
                keys.removeFirst(head)
                head = 0
            }
            return keys[head]
        }
    }

    private struct Need {
        /// When the key was first added.
        var since: ContinuousClock.Instant
        var isInBackground: Bool
    }

    private struct State {
        var urgent = Line()
        var background = Line()
        var dirty: [Key: Need] = [:]
        var processing: Set<Key> = []
        /// How many are dirty and not being worked on.
        var waiting = 0
        /// Those who wait for a key, the one that came last at the end.
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

    /// - Parameter isInBackground: Whether it can wait until nothing else does.
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

    /// The next key, which the caller works on until it calls `done`; `nil` when the queue is finished or the task cancelled.
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

    /// Hands out nothing more; whoever waits gets `nil`.
    package func finish() {
        let idle = state.withLock { state in
            state.isFinished = true
            defer { state.idle = [] }
            return state.idle
        }
        for (_, worker) in idle { worker.resume(returning: nil) }
    }

    package var count: Int { state.withLock { $0.dirty.count } }

    /// Those that nobody works on yet.
    package var waiting: Int { state.withLock { $0.waiting } }

    /// Those that wait and those that are worked on.
    package var unfinished: Int { state.withLock { $0.waiting + $0.processing.count } }
}
