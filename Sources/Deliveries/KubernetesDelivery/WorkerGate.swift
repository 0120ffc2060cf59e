internal import Synchronization

/// Lets as many workers go on as the limit says. The others wait for their turn.
final class WorkerGate: Sendable {
    private struct State {
        var limit: ConcurrencyLimit
        var active = 0
        var parked: [CheckedContinuation<Bool, Never>] = []
        var isFinished = false

        /// The workers that the limit lets go on now.
        mutating func release() -> [CheckedContinuation<Bool, Never>] {
            let count = isFinished ? parked.count : max(min(limit.limit - active, parked.count), 0)
            active += count
            defer { parked.removeLast(count) }
            return Array(parked.suffix(count))
        }
    }

    private let state: Mutex<State>

    init(_ range: ClosedRange<Int>) {
        state = Mutex(State(limit: ConcurrencyLimit(range)))
    }

    var limit: Int { state.withLock { $0.limit.limit } }

    /// Returns when the caller may go on, as one of the active workers.
    /// - Returns: `false` after `finish`.
    func enter() async -> Bool {
        await withCheckedContinuation { continuation in
            let immediate = state.withLock { state -> Bool? in
                if state.isFinished { return false }
                guard state.active < state.limit.limit else {
                    state.parked.append(continuation)
                    return nil
                }
                state.active += 1
                return true
            }
            if let immediate { continuation.resume(returning: immediate) }
        }
    }

    func leave() {
        update { $0.active -= 1 }
    }

    func finish() {
        update { $0.isFinished = true }
    }

    func succeeded(_ cost: WriteCost, isLimited: Bool, now: Duration) {
        update { $0.limit.succeeded(cost, isLimited: isLimited, now: now) }
    }

    func overloaded(now: Duration) {
        update { $0.limit.overloaded(now: now) }
    }

    private func update(_ change: (inout State) -> Void) {
        let (released, isFinished) = state.withLock { state in
            change(&state)
            return (state.release(), state.isFinished)
        }
        for worker in released { worker.resume(returning: !isFinished) }
    }
}
