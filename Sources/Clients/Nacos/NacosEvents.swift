internal import DequeModule
internal import Synchronization

/// The events of a client, in order, for one consumer.
///
/// Only the newest event about each service and each configuration waits. So a slow consumer sees the newest state
/// late, and the memory is bounded by what is followed. The sequence ends when the client stops.
///
/// - Precondition: One task at a time takes events.
package struct NacosEvents: AsyncSequence, Sendable {
    package typealias Element = NacosEvent

    let buffer: EventBuffer

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(buffer: buffer)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let buffer: EventBuffer

        /// - Returns: `nil` after the client has stopped, and when the task is cancelled.
        package mutating func next() async -> NacosEvent? {
            await buffer.next()
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> NacosEvent? {
            await buffer.next()
        }
    }
}

/// The events that wait for the consumer.
final class EventBuffer: Sendable {
    private struct State {
        var waiting = WaitingEvents()
        var consumer: CheckedContinuation<NacosEvent?, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    func append(_ event: NacosEvent) {
        let consumer = state.withLock { state -> CheckedContinuation<NacosEvent?, Never>? in
            if state.isFinished { return nil }
            if let consumer = state.consumer.take() { return consumer }
            state.waiting.append(event)
            return nil
        }
        consumer?.resume(returning: event)
    }

    func finish() {
        let consumer = state.withLock { state in
            state.isFinished = true
            return state.consumer.take()
        }
        consumer?.resume(returning: nil)
    }

    func next() async -> NacosEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> NacosEvent?? in
                    if let event = state.waiting.popFirst() { return .some(event) }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    precondition(state.consumer == nil, "two tasks take events of one client")
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

/// A queue in which a newer event about the same thing takes the place of an older one.
struct WaitingEvents {
    private enum Subject: Hashable {
        case connection, resumption, services, configs
        case service(ServiceKey), serviceName(ServiceKey)
        case config(ConfigKey), configName(ConfigKey)
    }

    private var order = Deque<Subject>()
    private var events: [Subject: NacosEvent] = [:]

    var count: Int { events.count }

    mutating func append(_ event: NacosEvent) {
        let subject = Self.subject(of: event)
        switch event {
        case .connected: removeAll()
        case .disconnected:
            // A connection that the consumer never saw, and all that came over it.
            if case .connected = events[.connection] { removeAll() }
        case .services: remove { if case .serviceName = $0 { true } else { $0 == .services } }
        case .configs: remove { if case .configName = $0 { true } else { $0 == .configs } }
        default: break
        }
        if events.updateValue(event, forKey: subject) == nil { order.append(subject) }
    }

    mutating func popFirst() -> NacosEvent? {
        while let subject = order.popFirst() {
            if let event = events.removeValue(forKey: subject) { return event }
        }
        return nil
    }

    private mutating func removeAll() {
        order.removeAll()
        events.removeAll()
    }

    private mutating func remove(where isSuperseded: (Subject) -> Bool) {
        order.removeAll { subject in
            guard isSuperseded(subject) else { return false }
            events[subject] = nil
            return true
        }
    }

    private static func subject(of event: NacosEvent) -> Subject {
        switch event {
        case .connected, .disconnected: .connection
        case .resubscribed: .resumption
        case .services: .services
        case .configs: .configs
        case .service(let update): .service(update.info.key)
        case .serviceAdded(let key), .serviceRemoved(let key): .serviceName(key)
        case .configChanged(let key): .config(key)
        case .configAdded(let key), .configRemoved(let key): .configName(key)
        }
    }
}
