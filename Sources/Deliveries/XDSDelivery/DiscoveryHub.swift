internal import Concurrency
internal import Deliveries
internal import IstioAPI
internal import IstioProtobuf
internal import Planning
internal import Synchronization

/// The sets of all kinds, and the streams that are told when one changes. Streams call it from their event loops, and
/// the delivery from its worker.
final class DiscoveryHub: Sendable {
    private struct State {
        var sets = ResourceSets()
        /// Whether anything can be said. Before that an answer would delete what istiod has.
        var isOpen = false
        var streams: [Int: StreamEntry] = [:]
        var nextID = 0
        /// Counts the changes of the sets.
        var changes: UInt64 = 0
    }

    struct StreamEntry: Sendable {
        /// It returns at once.
        var tell: @Sendable () -> Void
        var status: DiscoveryStreamStatus
    }

    /// An istiod needs one stream.
    static let streamLimit = 256

    private let state = Mutex(State())
    /// Signals that streams have something new to hear.
    let news = EventCount()

    // MARK: The delivery's side

    var isOpen: Bool { state.withLock { $0.isOpen } }
    var count: Int { state.withLock { $0.sets.count } }
    var keys: [ResourceKey] { state.withLock { $0.sets.keys } }
    /// How often the sets have changed.
    var changes: UInt64 { state.withLock { $0.changes } }

    func object(_ key: ResourceKey) -> ActualObject? { state.withLock { $0.sets.object(key) } }

    /// From now on streams are answered.
    func open() {
        state.withLock { $0.isOpen = true }
        news.signal()
    }

    func change(_ body: (inout ResourceSets) -> Void) {
        state.withLock { state in
            body(&state.sets)
            state.changes += 1
        }
        news.signal()
    }

    /// Tells every stream that sets may have changed.
    func tell() {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams { stream.tell() }
    }

    // MARK: The streams' side

    /// The versions of the newest sets; empty as long as nothing can be said.
    var versions: [ResourceKind: String] {
        state.withLock { state in
            guard state.isOpen else { return [:] }
            return Dictionary(uniqueKeysWithValues: ResourceKind.served.map { ($0, state.sets.version(of: $0)) })
        }
    }

    func encoded(_ kind: ResourceKind) -> ResourceSets.Encoded { state.withLock { $0.sets.encoded(kind) } }

    /// - Returns: The stream's number; `nil` where there are too many.
    func add(_ status: DiscoveryStreamStatus, tell: @escaping @Sendable () -> Void) -> Int? {
        state.withLock { state in
            guard state.streams.count < Self.streamLimit else { return nil }
            state.nextID += 1
            state.streams[state.nextID] = StreamEntry(tell: tell, status: status)
            return state.nextID
        }
    }

    func note(_ status: DiscoveryStreamStatus, of id: Int) {
        state.withLock { $0.streams[id]?.status = status }
    }

    func remove(_ id: Int) {
        state.withLock { _ = $0.streams.removeValue(forKey: id) }
    }

    /// Of every stream, the oldest first.
    var statuses: [DiscoveryStreamStatus] {
        state.withLock { state in state.streams.sorted { $0.key < $1.key }.map(\.value.status) }
    }
}
