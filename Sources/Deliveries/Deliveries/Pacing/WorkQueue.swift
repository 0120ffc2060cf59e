package import Concurrency
internal import Synchronization

/// Hands keys that need work to workers, as the pacing allows.
///
/// A key that is added while a worker has it is handed out again after that worker is done. A key that is added a
/// hundred times is handed out once. So a key has one worker at a time, changes coalesce, and the number of keys bounds
/// the memory.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    package typealias Item = (key: Key, since: ContinuousClock.Instant)

    private struct State {
        var paced: PacedLanes<Key>
        /// The workers that wait for a key, the latest one at the end.
        var idle: [(id: Int, worker: CheckedContinuation<Item?, Never>)] = []
        var nextID = 0
        var isFinished = false
        /// The earliest time at which `wake` will be called.
        var alarm: Duration?

        mutating func handOut(now: Duration) -> [(worker: CheckedContinuation<Item?, Never>, item: Item)] {
            var handedOut: [(CheckedContinuation<Item?, Never>, Item)] = []
            while !idle.isEmpty, let item = paced.take(now: now) { handedOut.append((idle.removeLast().worker, item)) }
            paced.rest(now: now)
            return handedOut
        }

        /// - Returns: When to call `wake`, unless somebody will earlier.
        mutating func nextAlarm(now: Duration) -> Duration? {
            guard let time = paced.opening(now: now), alarm.map({ time < $0 }) ?? true else { return nil }
            alarm = time
            return time
        }
    }

    private let state: Mutex<State>
    private let stopwatch: Stopwatch
    /// The times at which the owner has to call `wake`. An earlier one replaces one that nobody took yet.
    package let alarms: AsyncStream<Duration>
    private let alarmContinuation: AsyncStream<Duration>.Continuation

    package init(
        pacing: Pacing<Key> = .unpaced(workers: .max), stopwatch: Stopwatch = Stopwatch(ContinuousClock())
    ) {
        state = Mutex(State(paced: PacedLanes(pacing: pacing)))
        self.stopwatch = stopwatch
        (alarms, alarmContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Changes the state, and hands out what may be taken then.
    private func change<Result: Sendable>(_ body: (inout State, _ now: Duration) -> Result) -> Result {
        let now = stopwatch.elapsed
        let (result, handedOut, alarm) = state.withLock { state in
            state.paced.pacing.advance(to: now)
            let result = body(&state, now)
            let handedOut = state.handOut(now: now)
            return (result, handedOut, state.nextAlarm(now: now))
        }
        for (worker, item) in handedOut { worker.resume(returning: item) }
        if let alarm { alarmContinuation.yield(alarm) }
        return result
    }
}

// MARK: - Keys

extension WorkQueue {
    /// Adds a key.
    /// - Parameter isInBackground: Whether the key can wait until no other key does.
    package func add(_ key: Key, isInBackground: Bool = false, now: ContinuousClock.Instant = .now) {
        add(all: CollectionOfOne(key), isInBackground: isInBackground, now: now)
    }

    /// Adds keys at once: no worker takes the first one as if it were the only one.
    package func add(
        all keys: some Sequence<Key>, isInBackground: Bool = false, now: ContinuousClock.Instant = .now
    ) {
        change { state, _ in
            if state.isFinished { return }
            for key in keys { state.paced.lanes.add(key, isInBackground ? .background : .fresh, since: now) }
        }
    }

    /// The next key. The caller has it until it calls `done` or `hold`.
    /// - Returns: `nil` when the queue is finished, or the task is cancelled.
    package func next() async -> Item? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = change { state, _ in
                    if state.isFinished || Task.isCancelled { return true }
                    state.idle.append((id, continuation))
                    return false
                }
                if isOver { continuation.resume(returning: nil) }
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
        change { state, _ in state.paced.lanes.done(key) }
    }

    /// The caller's work on the key may not begin yet: the key waits in this lane.
    package func hold(_ item: Item, in lane: Lane) {
        change { state, _ in state.paced.lanes.hold(item.key, lane, since: item.since) }
    }

    /// Ends the queue: it hands out no more keys, and the workers that wait get `nil`.
    package func finish() {
        let idle = state.withLock { state in
            state.isFinished = true
            defer { state.idle = [] }
            return state.idle
        }
        for (_, worker) in idle { worker.resume(returning: nil) }
        alarmContinuation.finish()
    }

    /// To be called at the time of an alarm.
    package func wake() {
        change { state, _ in state.alarm = nil }
    }

    /// The number of keys that wait for a worker.
    package var waiting: Int { state.withLock { $0.paced.lanes.waiting } }

    /// The number of keys that wait for a worker or have one.
    package var unfinished: Int { state.withLock { $0.paced.lanes.waiting + $0.paced.lanes.processingCount } }
}

// MARK: - Writes

extension WorkQueue {
    /// A write is about to begin.
    /// - Returns: Whether it may. `end` follows then; otherwise the caller holds the key.
    package func begin(_ lane: Lane) -> Bool {
        change { state, now in state.paced.begin(lane, now: now) }
    }

    /// The server has stored a write.
    package func wrote(_ key: Key, _ cost: WriteCost) {
        change { state, now in
            state.paced.pacing.wrote(key, cost, isLimited: state.paced.isLimited, now: now)
        }
    }

    /// The other side has shown a write of ours to those who watch it.
    package func echoed() {
        change { state, now in state.paced.pacing.echoed(now: now) }
    }

    /// A write that `begin` let begin has ended, or turned out to be none.
    package func end() {
        change { state, _ in state.paced.pacing.end() }
    }

    /// How long the next write of an object that keeps changing has to wait; `nil` when it may begin at once.
    package func delay(_ key: Key) -> Duration? {
        let now = stopwatch.elapsed
        return state.withLock { $0.paced.pacing.delay(key, now: now) }
    }

    /// The object was deleted. Another one of its name has not changed before.
    package func removed(_ key: Key) {
        state.withLock { $0.paced.pacing.removed(key) }
    }

    /// The server refused a request for its load, or did not answer in time.
    package func overloaded() {
        change { state, now in state.paced.pacing.overloaded(now: now) }
    }

    /// How many workers are needed at most.
    package var workerCount: Int { state.withLock { $0.paced.pacing.workerCount } }
}
