internal import Synchronization

/// Lets tasks wait until something has happened since they last looked.
///
/// A task takes a ticket, looks at the state, and waits with the ticket when the state is not as it wishes. A signal
/// between the ticket and the wait ends the wait at once, so no signal is missed. The count holds no state of its own.
package final class EventCount: Sendable {
    private struct State {
        var signals: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The number of signals so far.
    package var ticket: UInt64 { state.withLock { $0.signals } }

    /// The number of tasks that wait now.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// Ends the wait of every task that waits now.
    package func signal() {
        let waiters = state.withLock { state in
            state.signals += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns after the first signal since the ticket was taken, or when the task is cancelled.
    package func wait(after ticket: UInt64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let mustWait = state.withLock { state in
                    // Cancellation marks the task before it calls the handler, which may already have found nobody.
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
