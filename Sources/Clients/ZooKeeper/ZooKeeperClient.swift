public import Logging
public import NIOCore
public import NIOPosix

/// A client of a ZooKeeper ensemble (3.4 and later; persistent watches need 3.6).
///
/// The client keeps one session with the ensemble over one connection after another. `withClient` runs a client for as
/// long as a closure takes:
///
/// ```swift
/// let servers = try ConnectionString("127.0.0.1:2181")
/// let children = try await ZooKeeperClient.withClient(servers) { client in
///     try await client.children(of: "/")
/// }
/// ```
///
/// A client with a longer life is created with `init` and run by one task, which calls `run()`; `waitUntilConnected()`
/// waits for it. Requests are `async` functions. Any number of tasks may call them; all requests share the connection.
///
/// A request fails at once with `notRunning` before `run()` has begun, and with `closed` after its task was cancelled.
/// While there is no connection, a request waits for the connection attempt under way and fails with it. A request on
/// the wire fails with `connectionLoss` when the connection is lost.
///
/// Watches end with their connection; `events()` says when to set them again.
public actor ZooKeeperClient {
    /// The result of a request, and `framesReceived` at that moment.
    struct Outcome {
        var answer: Result<ByteBuffer, ZooKeeperError>
        var sequence: UInt64
    }

    typealias Completion = CheckedContinuation<Outcome, Never>

    enum Lifecycle {
        case notStarted
        case running
        /// The task of `run()` was cancelled, and the client ends the session.
        case stopping
        case stopped
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated let connectionString: ConnectionString
    let configuration: Configuration
    let logger: Logger

    var lifecycle = Lifecycle.notStarted
    var machine: SessionStateMachine<Completion>
    var lastRequestID: UInt64 = 0
    var channel: (any Channel)?
    /// The number of frames over all connections. It numbers events and replies, so that their order is known.
    var framesReceived: UInt64 = 0
    var server: ConnectionString.Server?
    var timer: Scheduled<Void>?
    /// When `timer` fires; `nil` while it is not set.
    var timerDeadline: NIODeadline?
    var pendingConnection: CheckedContinuation<any Channel, any Error>?
    /// The channels of the connection attempt under way; several for a host with several addresses.
    var connecting: [ObjectIdentifier: any Channel] = [:]
    var flushIsScheduled = false
    /// Why the client closes the current connection; `nil` when it does not.
    var closeReason: (text: String, cause: (any Error)?)?
    var schedule = ReconnectSchedule()
    /// The last event about the session; `nil` before the first one.
    var state: ZooKeeperEvent?
    /// Whether the session was established on the current connection.
    var hadSession = false
    private var consumers: [WeakBuffer] = []

    /// Whether a connection attempt is under way.
    package var isConnecting: Bool { pendingConnection != nil }

    /// The number of requests on the wire and waiting.
    package var outstandingRequests: Int { machine.outstanding }

    private struct WeakBuffer {
        weak var buffer: EventBuffer?
    }

    /// The actor runs on its event loop, so that the channel handler calls the client without a hop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

    /// Creates a client, which does nothing until `run()` is called.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: The client takes one event loop of it.
    ///   - logger: Logs at `debug`, and one warning for an event above `replyLimit`. Default: no logs.
    public init(
        _ connectionString: ConnectionString, configuration: Configuration = Configuration(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "zookeeper", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        eventLoop = eventLoopGroup.any()
        self.connectionString = connectionString
        self.configuration = configuration
        self.logger = logger
        var settings = SessionStateMachine<Completion>.Settings()
        settings.requestedTimeout = TimeAmount(configuration.sessionTimeout)
        settings.pipelineDepth = max(configuration.pipelineDepth, 1)
        settings.maximumOutstanding = max(configuration.maximumOutstandingRequests, 1)
        settings.replyLimit = max(configuration.replyLimit, 4_096)
        settings.requestTimeout = configuration.requestTimeout.map { max(TimeAmount($0), .milliseconds(1)) }
        settings.credentials = configuration.credentials
        machine = SessionStateMachine(settings: settings)
    }

    /// The events of the session and of its watches, for one consumer. Each call makes a sequence of its own.
    ///
    /// The sequence begins with the last event about the session, if there was one. It may be taken before `run()`.
    /// - Parameter isWanted: Whether the consumer wants a watch event. The others take no room in its buffer. The
    ///   client calls it on its event loop, so it must be quick.
    public func events(
        where isWanted: @escaping @Sendable (WatchEvent) -> Bool = { _ in true }
    ) -> ZooKeeperEvents {
        let buffer = EventBuffer(capacity: configuration.eventCapacity, isWanted: isWanted)
        if let state { buffer.append(state) }
        if lifecycle == .stopped { buffer.finish() }
        consumers.removeAll { $0.buffer == nil }
        consumers.append(WeakBuffer(buffer: buffer))
        return ZooKeeperEvents(buffer: buffer)
    }

    /// Waits for an established session. It may be called before `run()`; it returns at once when the session stands.
    ///
    /// - Throws: `ZooKeeperError` with code `closed` when the client stops, `cancelled` when the task is cancelled.
    @discardableResult
    public func waitUntilConnected() async throws(ZooKeeperError) -> Session {
        guard lifecycle != .stopping, lifecycle != .stopped else { throw ZooKeeperError(.closed) }
        for await event in events() {
            if case .connected(let session) = event { return session }
        }
        throw ZooKeeperError(lifecycle == .stopped ? .closed : .cancelled)
    }

    func publish(_ event: ZooKeeperEvent) {
        switch event {
        case .connected, .disconnected, .expired: state = event
        case .changed, .overflowed: break
        }
        for consumer in consumers { consumer.buffer?.append(event) }
    }

    func finishEvents() {
        for consumer in consumers { consumer.buffer?.finish() }
    }
}
