internal import Concurrency
internal import Synchronization

/// The objects of a collection in memory, kept up to date by a ``Watcher``. A program reads them at any time, and
/// follows their changes.
///
/// ```swift
/// let store = ObjectStore(client.watcher(type))
/// await withTaskGroup { group in
///     group.addTask { await store.run() }
///     for await change in store.changes() {
///         …
///     }
/// }
/// ```
///
/// A full read replaces all objects at once: no reader sees a part of it. When the list or the watch fails, the store
/// keeps its objects, and ``interruption`` says why they may be behind.
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

    /// Makes an empty store. It reads nothing before ``run()``.
    public init(_ watcher: Watcher) { self.watcher = watcher }

    /// Follows the collection until the task is cancelled or the client is shut down. Call it once.
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
    /// The object as it was last seen; `nil` when it does not exist, or the store has not synced.
    public subscript(key: ObjectKey) -> APIObject? { state.withLock { $0.content.objects[key] } }

    /// The number of objects.
    public var count: Int { state.withLock { $0.content.objects.count } }

    /// All objects at one moment. While a program keeps the dictionary, the store's next change copies it.
    public var objects: [ObjectKey: APIObject] { state.withLock { $0.content.objects } }

    /// Whether the first full read is complete. It stays true after that.
    public var isSynced: Bool { state.withLock { $0.content.isSynced } }

    /// Why the objects may be behind: the failure of the list or the watch, until both are known to work again.
    public var interruption: KubernetesError? { state.withLock { $0.content.interruption } }

    /// Waits until the first full read is complete.
    ///
    /// - Throws: `KubernetesError` with `cancelled` when the task is cancelled, `shutDown` when ``run()`` ends before.
    public func waitUntilSynced() async throws(KubernetesError) {
        while true {
            let ticket = milestones.ticket
            let (isSynced, isFinished) = state.withLock { ($0.content.isSynced, $0.isFinished) }
            if isSynced { return }
            if isFinished {
                throw KubernetesError(
                    code: .shutDown, message: "the store ended before its first full read was complete")
            }
            if Task.isCancelled {
                throw KubernetesError(
                    code: .cancelled, message: "cancelled before the store's first full read was complete")
            }
            await milestones.wait(after: ticket)
        }
    }

    /// Follows which objects are added, changed and removed. An iteration starts with the keys of all present objects.
    ///
    /// - Parameter limit: how many keys may wait for the consumer before ``ObjectChanges/Element/everything`` takes
    ///   their place, at least 1.
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
