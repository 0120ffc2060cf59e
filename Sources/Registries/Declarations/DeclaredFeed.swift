internal import Concurrency
internal import Services
package import Sources
internal import Synchronization

/// Follows a view of declared layouts for a reader: what a registry tells of keys becomes changes of instances, in their
/// order.
package final class DeclaredFeed: Sendable {
    package enum Update: Sendable {
        case put(DeclaredEntry)
        case remove(key: String)
        /// The entry is there, and its content may not be read.
        case unreadable(key: String, reason: String)

        fileprivate var key: String {
            switch self {
            case .put(let entry): entry.key
            case .remove(let key), .unreadable(let key, _): key
            }
        }
    }

    fileprivate struct State {
        var view: DeclaredView
        var rejoining: Rejoining
        let limit: Int
        /// What the follower is not told yet.
        var pending: [RegistryChange] = []
        /// The updates since a full read began, by key; `nil` where they need not be kept.
        var overlapping: [String: Update]?
        /// That of the newest update.
        var position: Position = 0
        /// What `DeclaredView.problemCount` was when the follower was told of notes last.
        var toldProblems = 0
    }

    /// More changes than these are given up, and everything is read again.
    package static let standardLimit = 65_536

    private let decoders: [DeclarationDecoder]
    private let state: Mutex<State>
    private let stopwatch: Stopwatch
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let alarms = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - window: How long the removal of an instance waits for another key with the same endpoint.
    ///   - limit: The changes that may wait for the follower.
    package init(
        decoders: [DeclarationDecoder], window: Duration, limit: Int = DeclaredFeed.standardLimit,
        clock: some Clock<Duration>
    ) {
        self.decoders = decoders
        state = Mutex(
            State(view: DeclaredView(decoders: decoders), rejoining: Rejoining(window: window), limit: limit))
        stopwatch = Stopwatch(clock)
    }

    // MARK: Full reads

    /// A view into which everything is read.
    /// - Parameter isLive: Whether updates may come while it is read, which the read may have missed.
    package func renewedView(isLive: Bool = false) -> DeclaredView {
        state.withLock { state in
            state.overlapping = isLive ? [:] : nil
            return state.view.renewed()
        }
    }

    /// A view for the keys of one name.
    package func emptiedView() -> DeclaredView { state.withLock { $0.view.emptied() } }

    /// Everything was read at a position. Updates that follow are newer.
    package func readCompletely(_ view: consuming DeclaredView, position: Position) -> [String: Reading] {
        var view = view
        state.withLock { state in
            for (_, update) in state.overlapping.take() ?? [:] {
                switch update {
                case .put(let entry): view.put(entry)
                case .remove(let key): _ = view.remove(key)
                case .unreadable(let key, let reason): _ = view.putUnreadable(key, reason: reason)
                }
            }
            view.readCompletely()
            state.view = view
            state.rejoining.removeAll()
            state.position = position
            state.toldProblems = view.problemCount
        }
        return view.readings(position: position)
    }

    /// Where the keys of a name stand.
    package func folders(of name: String) -> [String] { state.withLock { $0.view.folders(of: name) } }

    package var notes: [RegistryNote] { state.withLock { $0.view }.notes }

    /// That of everything that was applied.
    package var position: Position { state.withLock { $0.position } }

    /// Whether a key can be of any concern. It is quick.
    package func concerns(_ key: String) -> Bool { decoders.contains { $0.concerns(key) } }

    // MARK: Changes

    /// - Parameter position: Never lower than that of the updates before.
    package func apply(_ updates: [Update], position: Position) {
        let deadline = state.withLock { state -> Duration? in
            state.position = max(state.position, position)
            for update in updates {
                state.note(update)
                switch update {
                case .put(let entry):
                    let (changes, moved) = state.view.put(entry)
                    state.add(changes, now: stopwatch.elapsed)
                    // A read of the name at a later position may have missed this folder.
                    for name in moved.sorted() { state.add(.changed(name: name)) }
                case .remove(let key): state.add(state.view.remove(key), now: stopwatch.elapsed)
                case .unreadable(let key, let reason):
                    state.add(state.view.putUnreadable(key, reason: reason), now: stopwatch.elapsed)
                }
            }
            return state.rejoining.deadline
        }
        if deadline != nil { alarms.continuation.yield() }
        wakes.continuation.yield()
    }

    /// Tells the follower something in order with the changes.
    package func report(_ change: RegistryChange) {
        state.withLock { $0.add(change) }
        wakes.continuation.yield()
    }

    /// Reports what was applied until the task is cancelled.
    package func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.tellDueRemovals() }
            for await _ in wakes.stream {
                for change in takePending() { await report(change) }
            }
            group.cancelAll()
        }
    }

    private func takePending() -> [RegistryChange] {
        state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
    }

    private func tellDueRemovals() async {
        for await _ in alarms.stream {
            while let deadline = state.withLock({ $0.rejoining.deadline }) {
                do { try await stopwatch.sleep(for: max(deadline - stopwatch.elapsed, .zero)) } catch { return }
                state.withLock { state in
                    for change in state.rejoining.due(now: stopwatch.elapsed) { state.tell(change) }
                }
                wakes.continuation.yield()
            }
        }
    }
}

extension DeclaredFeed.State {
    fileprivate mutating func note(_ update: DeclaredFeed.Update) {
        guard let count = overlapping?.count else { return }
        if count < limit || overlapping?[update.key] != nil {
            overlapping?[update.key] = update
        } else {
            overlapping = nil
            add(.changesLost(reason: "too much changed while everything was read"))
        }
    }

    mutating func add(_ changes: [DeclaredChange], now: Duration) {
        for change in rejoining.take(changes, now: now) { tell(change) }
        if view.problemCount == toldProblems { return }
        toldProblems = view.problemCount
        add(.notesChanged)
    }

    mutating func tell(_ change: DeclaredChange) {
        add(
            .instance(
                InstanceChange(
                    change.service, change.key, change.instance, at: change.endpoint, position: position)))
    }

    mutating func add(_ change: RegistryChange) {
        if pending.count < limit {
            pending.append(change)
        } else {
            // What the connection did still counts.
            pending = pending.filter(\.isOfConnection)
            pending.append(.changesLost(reason: "changes came faster than they could be taken"))
            if change.isOfConnection { pending.append(change) }
        }
    }
}

extension RegistryChange {
    fileprivate var isOfConnection: Bool {
        switch self {
        case .connected, .disconnected, .missing, .changesLost, .outdated: true
        case .instance, .unusableLeft, .changed, .pushed, .notesChanged: false
        }
    }
}
