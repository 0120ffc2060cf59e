internal import Synchronization

/// A collection's objects in memory, kept up to date by a ``Watcher``: read them at any time, and follow which change.
///
/// ```swift
/// let store = ObjectStore(client.watcher(type))
/// try await withThrowingDiscardingTaskGroup { group in
///     group.addTask { await store.run() }
///     for await change in store.changes() {
///         …
///     }
/// }
/// ```
///
/// A relist replaces all objects at once: nobody ever sees a part of it. When list or watch fail, the store keeps what
/// it has, and ``interruption`` says why it may be behind.
public final class ObjectStore: Sendable {
    private struct State {
        var content = ObjectStoreState()
        var isFinished = false
        var subscribers: [ObjectIdentifier: WeakSubscriber] = [:]
    }

    private struct WeakSubscriber {
        weak var subscriber: ObjectChanges.Subscriber?
    }

    private let watcher: Watcher
    private let state = Mutex(State())
    private let milestones = EventCount()

    public init(_ watcher: Watcher) { self.watcher = watcher }

    /// Follows the collection until the task is cancelled or the client shut down. Call it once.
    public func run() async {
        var watcher = watcher
        watcher.whenWatching = { [self] in state.withLock { $0.content.resumed() } }
        for await event in watcher { handle(event) }
        let subscribers = state.withLock { state in
            state.isFinished = true
            return state.subscribers.values.compactMap(\.subscriber)
        }
        milestones.signal()
        for subscriber in subscribers { subscriber.finish() }
    }

    func handle(_ event: WatcherEvent) {
        let (changed, subscribers, isNowSynced) = state.withLock { state in
            let wasSynced = state.content.isSynced
            let changed = state.content.handle(event)
            state.subscribers = state.subscribers.filter { $0.value.subscriber != nil }
            return (
                changed, changed.isEmpty ? [] : state.subscribers.values.compactMap(\.subscriber),
                !wasSynced && state.content.isSynced
            )
        }
        if isNowSynced { milestones.signal() }
        for subscriber in subscribers { subscriber.add(changed) }
    }
}

// MARK: - Reading

extension ObjectStore {
    /// The object as it was last seen; `nil` when there is none, or the store has not synced.
    public subscript(key: ObjectKey) -> APIObject? { state.withLock { $0.content.objects[key] } }

    public var count: Int { state.withLock { $0.content.objects.count } }

    /// All objects of one moment. While it is in use the store's next change copies it, so do not keep it.
    public var objects: [ObjectKey: APIObject] { state.withLock { $0.content.objects } }

    /// Whether there was a complete list; stays so.
    public var isSynced: Bool { state.withLock { $0.content.isSynced } }

    /// Why the objects may be behind: what made list or watch fail, until they are known to work again.
    public var interruption: KubernetesError? { state.withLock { $0.content.interruption } }

    /// Returns when there was a complete list.
    ///
    /// - Throws: `KubernetesError` with `cancelled`, or `shutDown` when ``run()`` ended before.
    public func waitUntilSynced() async throws(KubernetesError) {
        while true {
            let ticket = milestones.ticket
            let (isSynced, isFinished) = state.withLock { ($0.content.isSynced, $0.isFinished) }
            if isSynced { return }
            if isFinished { throw KubernetesError(code: .shutDown, message: "the store ended before it had synced") }
            if Task.isCancelled {
                throw KubernetesError(code: .cancelled, message: "cancelled before the store had synced")
            }
            await milestones.wait(after: ticket)
        }
    }

    /// Follows which objects come, change and go, from those on that there are by then.
    ///
    /// - Parameter limit: how many keys may wait to be taken before ``ObjectChanges/Element/everything`` takes their
    ///   place; at least 1.
    public func changes(limit: Int = 10_000) -> ObjectChanges { ObjectChanges(store: self, limit: max(limit, 1)) }

    func add(_ subscriber: ObjectChanges.Subscriber) {
        let (keys, isFinished) = state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = WeakSubscriber(subscriber: subscriber)
            return (Array(state.content.objects.keys), state.isFinished)
        }
        subscriber.add(keys)
        if isFinished { subscriber.finish() }
    }
}
