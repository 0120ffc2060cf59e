internal import NIOCore
internal import Synchronization

/// The events of a client for one consumer, in the order of the server.
///
/// The sequence begins with the last event about the session and ends when the client stops. At most `eventCapacity`
/// events wait. When more arrive, `overflowed` replaces the watch events among them.
///
/// - Precondition: One task at a time takes events.
public struct ZooKeeperEvents: AsyncSequence, Sendable {
    public typealias Element = ZooKeeperEvent

    let buffer: EventBuffer

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(buffer: buffer)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let buffer: EventBuffer

        /// - Returns: `nil` after the client has stopped, and when the task is cancelled.
        public mutating func next() async -> ZooKeeperEvent? {
            await buffer.next()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> ZooKeeperEvent? {
            await buffer.next()
        }
    }
}

/// The events that wait for one consumer.
final class EventBuffer: Sendable {
    private struct State {
        var waiting = CircularBuffer<ZooKeeperEvent>()
        var consumer: CheckedContinuation<ZooKeeperEvent?, Never>?
        var isFinished = false
    }

    private let capacity: Int
    private let isWanted: @Sendable (WatchEvent) -> Bool
    private let state = Mutex(State())

    init(capacity: Int, isWanted: @escaping @Sendable (WatchEvent) -> Bool = { _ in true }) {
        self.capacity = Swift.max(capacity, 2)
        self.isWanted = isWanted
    }

    func append(_ event: ZooKeeperEvent) {
        if case .changed(let change) = event, !isWanted(change) { return }
        let consumer = state.withLock { state -> CheckedContinuation<ZooKeeperEvent?, Never>? in
            if state.isFinished { return nil }
            if let consumer = state.consumer.take() { return consumer }
            if state.waiting.count >= capacity { Self.dropWatchEvents(from: &state.waiting) }
            state.waiting.append(event)
            return nil
        }
        consumer?.resume(returning: event)
    }

    /// Keeps the last event about the session and appends `overflowed`.
    private static func dropWatchEvents(from waiting: inout CircularBuffer<ZooKeeperEvent>) {
        let sessionEvent = waiting.last { event in
            switch event {
            case .connected, .disconnected, .expired: true
            case .changed, .overflowed: false
            }
        }
        waiting.removeAll(keepingCapacity: true)
        if let sessionEvent { waiting.append(sessionEvent) }
        waiting.append(.overflowed)
    }

    func finish() {
        let consumer = state.withLock { state in
            state.isFinished = true
            return state.consumer.take()
        }
        consumer?.resume(returning: nil)
    }

    func next() async -> ZooKeeperEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> ZooKeeperEvent?? in
                    if let event = state.waiting.popFirst() { return .some(event) }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    precondition(state.consumer == nil, "two tasks take events of one sequence; call events() twice")
                    state.consumer = continuation
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            let consumer = state.withLock { $0.consumer.take() }
            consumer?.resume(returning: nil)
        }
    }
}
