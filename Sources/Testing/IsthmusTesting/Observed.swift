internal import Synchronization

/// State that changes under a lock, and that a test can wait for.
public final class Observed<State: Sendable>: Sendable {
    private struct Waiter {
        var holds: @Sendable (State) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct Inner {
        var state: State
        var waiting: [Int: Waiter] = [:]
        var nextID = 0

        mutating func takeWaiting(where isDue: (Waiter) -> Bool) -> [Waiter] {
            let due = waiting.filter { isDue($0.value) }
            for id in due.keys { waiting[id] = nil }
            return Array(due.values)
        }
    }

    private let inner: Mutex<Inner>

    public init(_ state: State) {
        inner = Mutex(Inner(state: state))
    }

    public var value: State { inner.withLock { $0.state } }

    @discardableResult
    public func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, due) = inner.withLock { inner in
            let result = body(&inner.state)
            let state = inner.state
            return (result, inner.takeWaiting { $0.holds(state) })
        }
        for waiter in due { waiter.continuation.resume() }
        return result
    }

    /// Returns when the state is as wanted, and at once when the task is cancelled: a test whose time is over fails,
    /// and ends.
    public func wait(until holds: @escaping @Sendable (State) -> Bool) async {
        let id = inner.withLock { inner in
            inner.nextID += 1
            return inner.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = inner.withLock { inner in
                    if Task.isCancelled || holds(inner.state) { return true }
                    inner.waiting[id] = Waiter(holds: holds, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            inner.withLock { $0.waiting.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
