internal import Concurrency
internal import Logging
internal import Nacos
internal import Services
internal import Settings
internal import Sources
internal import Synchronization

/// Reads the services of some namespaces of one Nacos.
///
/// Each namespace has a client of its own, since a push does not tell its namespace. The registry is connected while
/// all of them are. All answers and pushes go through `NacosView`, which numbers what changes.
final class NacosReader: RegistryReader {
    struct State {
        var view: NacosView
        /// The connections that stand, by namespace.
        var connections: [String: NacosConnection] = [:]
        /// What the server's watch on names has told, by namespace.
        var watched: [String: WatchedNames] = [:]
        /// What the follower is not told yet.
        var pending: [RegistryChange] = []
    }

    /// The services that a watch on names knows of.
    struct WatchedNames {
        var keys: Set<ServiceKey>
        /// Whether they are all.
        var isComplete: Bool
    }

    /// How often the registry is asked for what it does not push.
    struct Intervals: Sendable {
        /// Between two full reads. They find what a push lost.
        var sweep = Duration.seconds(300)
        /// Between two lists of names, where the server does not tell of new ones.
        var names = Duration.seconds(10)
        /// Between two queries of a service, where the server has no subscriptions.
        var polling = Duration.seconds(5)
        /// For the first answer of a watch on names.
        var firstNames = Duration.seconds(5)

        init() {}
    }

    /// More changes than this are replaced by a full read.
    static let pendingLimit = 65_536
    /// The queries under way at once, where the server has no subscriptions.
    static let pollsUnderWay = 32

    let clients: [String: any NamingClient]
    let decoder: NacosDecoder
    let selection: ServiceSelection
    let intervals: Intervals
    let stopwatch: Stopwatch
    let logger: Logger
    let leftOut: LeftOutLog
    let state: Mutex<State>
    /// Wakes the task that reports changes.
    let pendingChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Wakes the task that reports changed notes.
    let notesChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// When absence is to be believed.
    let alarms = AsyncStream.makeStream(of: Duration.self, bufferingPolicy: .bufferingNewest(64))
    /// Signals each answer of a watch on names.
    let watchedNames = EventCount()

    /// - Parameter clients: By namespace.
    init(
        clients: [String: any NamingClient], decoder: NacosDecoder, selection: ServiceSelection, view: NacosView,
        intervals: Intervals = Intervals(), clock: some Clock<Duration>, logger: Logger
    ) {
        self.clients = clients
        self.decoder = decoder
        self.selection = selection
        self.intervals = intervals
        stopwatch = Stopwatch(clock)
        self.logger = logger
        leftOut = LeftOutLog("instances", by: "service", logger: logger, clock: clock)
        state = Mutex(State(view: view))
    }

    var pollInterval: Duration? { intervals.sweep }

    var notes: [RegistryNote] { state.withLock { $0.view.notes } }

    /// Leaves changes to the task that reports them, in order.
    func report(_ changes: [RegistryChange], _ state: inout State) {
        if changes.isEmpty { return }
        state.pending += changes
        if state.pending.count > Self.pendingLimit {
            state.pending = [.changesLost(reason: "changes came faster than they could be taken")]
        }
        pendingChanges.continuation.yield()
    }

    func failure(_ error: NacosError, _ namespace: String, _ what: String) -> ReadFailure {
        let stands = state.withLock { $0.connections[namespace] != nil }
        // A list may take another connection than the one that the follower is told of.
        let cause = error.cause == .disconnected && stands ? .passing : error.cause
        return ReadFailure(cause, reason: "\(what): \(error)")
    }
}

/// The services that the configuration wants to be followed.
struct ServiceSelection: Sendable, Hashable {
    var groups = NameFilter()
    var services = NameFilter()

    func includes(_ key: ServiceKey) -> Bool { groups.includes(key.group) && services.includes(key.name) }

    /// The groups that are followed, where the configuration names each of them.
    var namedGroups: [String]? {
        let names = groups.names
        return names.isEmpty || names.count < groups.included.count ? nil : names
    }
}

extension NacosError {
    var cause: ReadFailure.Cause {
        switch code {
        case .disconnected, .notRunning, .closed, .cancelled, .unregistered: .disconnected
        case .overloaded, .tooManyRequests: .overloaded
        case .forbidden, .unsupported, .configuration: .refused
        case .replyTooLarge: .lasting
        case .timedOut, .serverStarting, .invalidRequest, .overLimit, .failed, .malformedReply: .passing
        }
    }
}
