internal import Concurrency
internal import Conventions
internal import Eureka
internal import HTTP
internal import Logging
internal import Services
internal import Settings
internal import Sources
internal import Synchronization

/// Reads the applications of one Eureka, from one of its servers at a time.
///
/// A full read is followed by deltas. What they say goes through `EurekaView`, which decides what counts, and then
/// through a table by name, which numbers what changes.
final class EurekaReader: RegistryReader {
    typealias Connect = @Sendable (HTTPServer) async throws(EurekaError) -> any RegistryClient

    struct Intervals: Sendable {
        /// Between two deltas. A server renews what it answers every 30 s by default.
        var changes = Duration.seconds(30)
        /// Between two full reads. They find what a delta can't tell.
        var sweep = Duration.seconds(600)
        /// Before a request that failed is made once more.
        var retry = Duration.seconds(2)

        init() {}
    }

    struct State {
        var view: EurekaView
        var table = RegistrationTable<String>()
        /// The instances that serve a name.
        var keys: [String: Set<EurekaInstance.Key>] = [:]
        /// The names that an instance serves, as far as they are in `keys`.
        var names: [EurekaInstance.Key: Set<String>] = [:]
        var unreadable = 0
        var client: (any RegistryClient)?
        /// What the follower is not told yet.
        var pending: [RegistryChange] = []
    }

    /// More changes than this are replaced by a full read.
    private static let pendingLimit = 65_536
    /// The application by which the servers register at each other.
    private static let ofServers = "eureka"

    let servers: [HTTPServer]
    let connect: Connect
    let decoder: EurekaDecoder
    let selection: NameFilter
    let intervals: Intervals
    let stopwatch: Stopwatch
    let logger: Logger
    let state: Mutex<State>
    /// Wakes the task that reports changes.
    let pendingChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Wakes the task that reports changed notes.
    let notesChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Signals that there is another time at which absence is to be believed.
    let absenceChanged = EventCount()

    /// - Parameter connect: Makes a client of a server.
    init(
        servers: [HTTPServer], decoder: EurekaDecoder, selection: NameFilter, absenceDelay: Duration,
        intervals: Intervals = Intervals(), clock: some Clock<Duration>, logger: Logger, connect: @escaping Connect
    ) {
        self.servers = servers
        self.connect = connect
        self.decoder = decoder
        self.selection = selection
        self.intervals = intervals
        stopwatch = Stopwatch(clock)
        self.logger = logger
        state = Mutex(State(view: EurekaView(absenceDelay: absenceDelay)))
    }

    var pollInterval: Duration? { intervals.sweep }

    var notes: [RegistryNote] {
        state.withLock { state in
            var notes = state.table.notes
            if state.unreadable > 0 {
                notes.append(
                    RegistryNote(
                        sort: "unreadableInstances", subject: "instances without an id", count: state.unreadable,
                        effect: "they get no traffic", areInstances: true))
            }
            return notes
        }
    }

    // MARK: Changes

    /// Carries changed instances over into the table.
    /// - Returns: The names of which something changed.
    @discardableResult
    func apply(_ changed: Set<EurekaInstance.Key>, _ state: inout State) -> [String] {
        var affected: Set<String> = []
        for key in changed {
            let instance = state.view[key]
            let before = state.names[key] ?? []
            let after: Set<String> = instance.map { decoder.names(of: $0).filter(includes) } ?? []
            for name in before.subtracting(after) { state.keys[name]?.remove(key) }
            for name in after { state.keys[name, default: []].insert(key) }
            state.names[key] = after.isEmpty ? nil : after
            affected.formUnion(before.union(after))
        }
        state.table.beginList()
        return affected.sorted().filter { name in
            let keys = state.keys[name] ?? []
            _ = state.table.add(name, names: [name])
            let instances = keys.sorted().compactMap { state.view[$0] }
            let isNews = !state.table.answered(name, decoder.decode(name, instances)).isEmpty
            if keys.isEmpty { state.keys[name] = nil }
            return isNews
        }
    }

    private func includes(_ name: String) -> Bool {
        if name == Self.ofServers, !selection.included.contains(name) { return false }
        return selection.includes(name)
    }

    /// Leaves what changed to the task that reports it, in order.
    /// - Parameter isAnswered: Whether the follower gets it as an answer.
    func report(_ names: [String], isAnswered: Bool = false, _ state: inout State) {
        for name in names {
            if !isAnswered { state.pending.append(.pushed(name: name, state.table.reading(of: name))) }
            if state.keys[name] == nil { state.table.forget(name) }
        }
        wake(&state)
    }

    func report(_ change: RegistryChange) {
        state.withLock { state in
            state.pending.append(change)
            wake(&state)
        }
    }

    private func wake(_ state: inout State) {
        if state.pending.count > Self.pendingLimit {
            state.pending = [.changesLost(reason: "changes came faster than they could be taken")]
        }
        pendingChanges.continuation.yield()
        notesChanges.continuation.yield()
        absenceChanged.signal()
    }

    func failure(_ error: EurekaError, _ what: String) -> ReadFailure {
        let stands = state.withLock { $0.client != nil }
        let cause = error.cause == .disconnected && stands ? .passing : error.cause
        return ReadFailure(cause, reason: "\(what): \(error)")
    }
}

extension EurekaError {
    var cause: ReadFailure.Cause {
        switch code {
        case .disconnected, .cancelled: .disconnected
        case .overloaded: .overloaded
        case .forbidden, .configuration: .refused
        case .replyTooLarge: .lasting
        case .timedOut, .failed, .malformedReply, .unsupported: .passing
        }
    }
}
