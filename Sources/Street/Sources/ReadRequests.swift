internal import Synchronization

/// What a source is asked to read again. Requests coalesce, so that their number is bounded by that of the names.
package final class ReadRequests: Sendable {
    package enum Request: Hashable, Sendable {
        case everything
        /// Services by name, sorted.
        case names([String])
    }

    /// Above this number of names everything is read.
    package static let maximumNames = 4096

    private struct State {
        var everything = false
        var names: Set<String> = []
        var consumer: CheckedContinuation<Request?, Never>?

        mutating func take() -> Request? {
            defer {
                everything = false
                names = []
            }
            if everything { return .everything }
            return names.isEmpty ? nil : .names(names.sorted())
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func readEverything() {
        add { $0.everything = true }
    }

    package func read(_ names: Set<String>) {
        add { state in
            state.names.formUnion(names)
            if state.names.count > Self.maximumNames { state.everything = true }
        }
    }

    private func add(_ change: (inout State) -> Void) {
        let handover = state.withLock { state -> (CheckedContinuation<Request?, Never>, Request)? in
            change(&state)
            guard state.consumer != nil, let request = state.take() else { return nil }
            return state.consumer.take().map { ($0, request) }
        }
        if let (consumer, request) = handover { consumer.resume(returning: request) }
    }
}

extension ReadRequests: AsyncSequence {
    package struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        fileprivate let requests: ReadRequests

        package func next() async -> Request? { await requests.next() }

        package func next(isolation actor: isolated (any Actor)?) async -> Request? { await requests.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(requests: self) }

    /// The next request; `nil` when the task is cancelled. It has one consumer.
    fileprivate func next() async -> Request? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> Request?? in
                    if Task.isCancelled { return .some(nil) }
                    if let request = state.take() { return .some(request) }
                    state.consumer = continuation
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume(returning: nil)
        }
    }
}
