internal import Synchronization

/// Lets tasks wait for a change of some state.
///
/// Take a ticket, check the state, and wait with the ticket. A signal between the check and the wait is not missed.
final class EventCount: Sendable {
    private struct State {
        var signals: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var ticket: UInt64 { state.withLock { $0.signals } }
    var waiting: Int { state.withLock { $0.waiters.count } }

    func signal() {
        let waiters = state.withLock { state in
            state.signals += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for a signal after the ticket was taken, or for the cancellation of the task.
    func wait(after ticket: UInt64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let mustWait = state.withLock { state in
                    // The cancellation handler may have run before this waiter was registered; the task is marked by
                    // then.
                    if state.signals != ticket || Task.isCancelled { return false }
                    state.waiters[id] = waiter
                    return true
                }
                if !mustWait { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
