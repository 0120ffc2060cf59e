public import Logging
public import NIOCore
public import NIOPosix

/// A client of a ZooKeeper ensemble (3.4 and later; persistent watches need 3.6).
///
/// `run()` owns the connection and keeps a session alive; until it runs, requests wait. A request that is under way
/// when the connection is lost fails with `connectionLoss`; a request made while there is none waits for the
/// connection attempt under way and fails with it. Watches don't outlive a connection: `events()` says when to set them
/// anew.
///
/// ```swift
/// let client = ZooKeeperClient(try ConnectionString("127.0.0.1:2181"))
/// try await withThrowingTaskGroup(of: Void.self) { group in
///     group.addTask { await client.run() }
///     print(try await client.children(of: "/"))
///     group.cancelAll()
/// }
/// ```
public actor ZooKeeperClient {
    /// What became of a request, and `framesReceived` by then.
    struct Outcome {
        var answer: Result<ByteBuffer, ZooKeeperError>
        var sequence: UInt64
    }

    typealias Completion = CheckedContinuation<Outcome, Never>

    nonisolated let eventLoop: any EventLoop
    nonisolated let connectionString: ConnectionString
    let configuration: Configuration
    let logger: Logger

    var machine: SessionStateMachine<Completion>
    var channel: (any Channel)?
    /// Over all connections. It numbers events and replies, so that it can be told which of two is the older.
    var framesReceived: UInt64 = 0
    var server: ConnectionString.Server?
    var timer: Scheduled<Void>?
    var pendingConnection: CheckedContinuation<any Channel, any Error>?
    /// Channels that may yet become the connection: more than one where a name has several addresses.
    var connecting: [ObjectIdentifier: any Channel] = [:]
    var flushIsScheduled = false
    var dropReason: String?
    var attempt = ReconnectSchedule()
    /// The last that became of the session; `nil` until something did.
    var state: ZooKeeperEvent?
    /// From the moment that the task of `run()` is cancelled.
    var isStopping = false
    var isStopped = false
    private var consumers: [WeakBuffer] = []

    /// Whether a connection is being made.
    package var isConnecting: Bool { pendingConnection != nil }

    private struct WeakBuffer {
        weak var buffer: EventBuffer?
    }

    /// The actor runs on its event loop, so that the channel's handler and the machine need no hop between them.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

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
        settings.credentials = configuration.credentials
        machine = SessionStateMachine(settings: settings)
    }

    /// What becomes of the session and of what it watches. Each call makes a sequence of its own, for one consumer.
    /// - Parameter isWanted: Which changes the consumer wants to be told of; others take no room in its buffer.
    public func events(
        where isWanted: @escaping @Sendable (WatchEvent) -> Bool = { _ in true }
    ) -> ZooKeeperEvents {
        let buffer = EventBuffer(capacity: configuration.eventCapacity, isWanted: isWanted)
        if let state { buffer.append(state) }
        if isStopped { buffer.finish() }
        consumers.removeAll { $0.buffer == nil }
        consumers.append(WeakBuffer(buffer: buffer))
        return ZooKeeperEvents(buffer: buffer)
    }

    func publish(_ event: ZooKeeperEvent) {
        switch event {
        case .connected, .disconnected, .expired: state = event
        case .changed, .overflowed: break
        }
        for consumer in consumers { consumer.buffer?.append(event) }
    }

    func finishEvents() {
        isStopped = true
        for consumer in consumers { consumer.buffer?.finish() }
    }
}
