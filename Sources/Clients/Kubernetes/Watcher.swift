internal import Concurrency

extension KubernetesClient {
    /// Follows a collection for as long as it is iterated. It lists the collection in pages, watches it from there, and
    /// repeats what fails, with backoff. It reports failures as ``WatcherEvent/interrupted(_:retryIn:)``.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types, and for all namespaces.
    ///   - labelSelector: such as `app=web,tier!=cache`; `nil` selects all.
    ///   - fieldSelector: such as `metadata.name=web`. Each type supports a few fields only.
    ///   - listing: how much of each object a full read holds.
    ///   - watching: how much of each object a change holds.
    ///   - pageSize: objects in a page of the list, at least 1.
    public func watcher(
        _ type: ResourceType, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        listing: Representation = .full, watching: Representation = .full, pageSize: Int = 500
    ) -> Watcher {
        Watcher(
            transport: transport,
            listing: Listing(
                type: type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
                representation: listing,
                pageSize: max(pageSize, 1)),
            watching: Watching(
                type: type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
                representation: watching), whenWatching: nil)
    }
}

/// The full reads of a collection and the changes between them. The sequence ends when the iterating task is cancelled
/// or the client is shut down.
///
/// The watcher works only while its consumer awaits the next event. A slow consumer therefore slows the server and does
/// not fill the memory: at most one page of the list, or one event of the watch and the socket's buffer, is waiting.
public struct Watcher: AsyncSequence, Sendable {
    public typealias Element = WatcherEvent
    public typealias Failure = Never

    let transport: Transport
    let listing: Listing
    let watching: Watching
    /// Called each time the server has accepted a watch.
    package var whenWatching: (@Sendable () -> Void)?

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(watcher: self)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let watcher: Watcher
        private var listing: Listing
        private var machine = WatcherStateMachine()
        private var step = WatcherStateMachine.first.step
        private var events = WatcherStateMachine.first.events[...]
        private var watch: WatchEvents.AsyncIterator?

        init(watcher: Watcher) {
            self.watcher = watcher
            listing = watcher.listing
        }

        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> WatcherEvent? {
            while events.isEmpty {
                let input = await perform(step, isolation: actor)
                if Task.isCancelled || input.isFinal {
                    watch = nil
                    return nil
                }
                let output = machine.handle(input, now: watcher.transport.stopwatch.elapsed)
                events = output.events[...]
                step = output.step
            }
            return events.popFirst()
        }

        private mutating func perform(
            _ step: WatcherStateMachine.Step, isolation actor: isolated (any Actor)?
        ) async -> WatcherStateMachine.Input {
            switch step {
            case .list(let token):
                watch = nil
                return await list(continuing: token, isolation: actor)
            case .watch(let version, let timeout):
                return await open(from: version, timeout: timeout, isolation: actor)
            case .read:
                return await read(isolation: actor)
            case .wait(let delay):
                watch = nil
                // It throws only when the task is cancelled, which the caller checks.
                try? await watcher.transport.stopwatch.sleep(for: delay)
                return .waited
            }
        }

        private mutating func list(
            continuing token: String?, isolation actor: isolated (any Actor)?
        ) async -> WatcherStateMachine.Input {
            do {
                return .page(try await watcher.transport.page(of: &listing, continuing: token))
            } catch {
                return .listFailed(error)
            }
        }

        private mutating func open(
            from version: String, timeout: Duration, isolation actor: isolated (any Actor)?
        ) async -> WatcherStateMachine.Input {
            var watch = WatchEvents(
                transport: watcher.transport, watching: watcher.watching, resourceVersion: version, timeout: timeout
            ).makeAsyncIterator()
            do {
                try await watch.open(isolation: actor)
                self.watch = watch
                watcher.whenWatching?()
                return .watchOpened
            } catch {
                return .watchFailed(error)
            }
        }

        private mutating func read(isolation actor: isolated (any Actor)?) async -> WatcherStateMachine.Input {
            do {
                return try await watch?.next(isolation: actor).map { .watchEvent($0) } ?? .watchEnded
            } catch {
                return .watchFailed(error)
            }
        }
    }
}

extension WatcherStateMachine.Input {
    /// Whether no later attempt can succeed.
    fileprivate var isFinal: Bool {
        switch self {
        case .listFailed(let error), .watchFailed(let error): error.code == .shutDown
        default: false
        }
    }
}
