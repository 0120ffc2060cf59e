internal import Concurrency
internal import Consul
internal import Conventions
internal import HTTP
internal import Logging
internal import Services
internal import Settings
internal import Sources
internal import Synchronization

/// Reads the services of one Consul.
///
/// One blocking query follows the names, and one more each service, as far as there are connections. Further services
/// are asked in turn. All answers go through one table, which numbers what changes.
final class ConsulReader: RegistryReader {
    typealias Connect = @Sendable (HTTPServer) async throws(ConsulError) -> any CatalogClient

    /// A server that answers.
    struct Connection: Sendable {
        /// Tells it from those before.
        var generation: UInt64
        var client: any CatalogClient
        /// The indexes of the first lists of names.
        var indexes: [ConsulScope: UInt64]
    }

    struct State {
        var table: RegistrationTable<ConsulService>
        var connection: Connection?
        var connectionCount: UInt64 = 0
        var polls = PollQueue()
        /// The index of the last answer about each service, on this connection; 0 for a query that must not block.
        var indexes: [ConsulService: UInt64] = [:]
        /// The scopes in which the servers' own service was ever seen. A token that does not show it any more has lost
        /// its rights.
        var serverScopes: Set<ConsulScope> = []
        /// The names of the last list of each scope.
        var listed: [ConsulScope: Set<String>] = [:]
        /// What the follower is not told yet.
        var pending: [RegistryChange] = []
    }

    struct Intervals: Sendable {
        /// For how long a server holds a blocking query in which nothing changes.
        var wait = Duration.seconds(120)
        /// Between two rounds of the services that have no connection of their own.
        var sweep = Duration.seconds(10)
        /// Between two rounds that changes of names cause.
        var round = Duration.seconds(1)
        /// After an answer, before the next query about the same. Changes in this time come with one answer.
        var breath = Duration.milliseconds(100)
        /// The same, where the server gives no index to wait for.
        var polling = Duration.seconds(2)
        /// After a query failed, before the service is read again. By then a server that is gone was noticed.
        var failure = Duration.seconds(1)

        init() {}
    }

    /// The services that are followed.
    struct Selection: Sendable, Hashable {
        var scopes: [ConsulScope] = [ConsulScope()]
        var services = NameFilter()

        func includes(_ name: String, tags: Set<String> = []) -> Bool {
            if name == ConsulService.ofServers, !services.included.contains(name) { return false }
            if name.hasSuffix("-management"), tags.contains(ConsulInstance.managementTag) { return false }
            return services.includes(name)
        }
    }

    /// More changes than this are replaced by a full read.
    private static let pendingLimit = 65_536
    /// The connections that are not for blocking queries about services.
    private static let otherConnections = 16

    let servers: [HTTPServer]
    let connect: Connect
    let decoder: ConsulDecoder
    let selection: Selection
    let intervals: Intervals
    /// The services that are polled at once, each on a connection of its own.
    let lanes: Int
    let readLimit: Int
    let stopwatch: Stopwatch
    let logger: Logger
    let state: Mutex<State>
    let rights = RightsProbe()
    /// Wakes the task that reports changes.
    let pendingChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Wakes the task that reports changed notes.
    let notesChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Signals a service that waits to be polled.
    let pollsChanged = EventCount()
    /// Signals that instances came or left somewhere.
    let catalogChanged = EventCount()

    /// - Parameters:
    ///   - connections: To one server at once.
    ///   - connect: Makes a client of a server.
    init(
        servers: [HTTPServer], connections: Int, decoder: ConsulDecoder, selection: Selection,
        intervals: Intervals = Intervals(), table: RegistrationTable<ConsulService> = .init(),
        clock: some Clock<Duration>, logger: Logger, connect: @escaping Connect
    ) {
        self.servers = servers
        self.connect = connect
        self.decoder = decoder
        self.selection = selection
        self.intervals = intervals
        readLimit = min(Self.otherConnections, max((connections - selection.scopes.count) / 2, 1))
        lanes = max(connections - selection.scopes.count - readLimit, 1)
        stopwatch = Stopwatch(clock)
        self.logger = logger
        state = Mutex(State(table: table))
    }

    var notes: [RegistryNote] { state.withLock { $0.table.notes } }

    /// Leaves changes to the task that reports them, in order.
    func report(_ changes: [RegistryChange], _ state: inout State) {
        if changes.isEmpty { return }
        state.pending += changes
        if state.pending.count > Self.pendingLimit {
            state.pending = [.changesLost(reason: "changes came faster than they could be taken")]
        }
        pendingChanges.continuation.yield()
    }

    /// - Parameter what: What can't be read.
    func failure(_ error: ConsulError, _ what: String) -> ReadFailure {
        let stands = state.withLock { $0.connection != nil }
        // One connection of many may end while the server is there.
        let cause = error.cause == .disconnected && stands ? .passing : error.cause
        return ReadFailure(cause, reason: "\(what): \(error)")
    }
}

extension ConsulError {
    var cause: ReadFailure.Cause {
        switch code {
        case .disconnected, .cancelled: .disconnected
        case .overloaded: .overloaded
        case .forbidden, .invalidRequest, .configuration: .refused
        case .replyTooLarge, .timedOut, .leaderless, .failed, .malformedReply: .passing
        }
    }
}
