public import Logging
public import NIOCore
public import NIOPosix

/// A client of a ZooKeeper ensemble (3.4 and later; persistent watches need 3.6).
///
/// `run()` owns the connection and keeps a session alive; until it runs, requests wait. A request that is under way
/// when the connection is lost fails with `connectionLoss`; a request made while there is none waits for the
/// connection attempt under way and fails with it. Watches don't outlive a connection: `events()` says when to set them anew.
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
    public struct Configuration: Sendable {
        /// How long the ensemble keeps the session after it last heard of the client; it clamps the wish to 2 to 20
        /// of its ticks. Default 30 s.
        public var sessionTimeout: Duration = .seconds(30)
        /// The longest reply that is taken, in bytes. A list of children has no bound of its own at the server, so this is
        /// above the server's `jute.maxbuffer`. Default 64 MiB.
        public var replyLimit = 64 << 20
        /// How many requests may be on the wire at once, 1 or more. Default 256; a server slows down above 1,000.
        public var pipelineDepth = 256
        /// How many events may wait for a consumer before they are replaced by `overflowed`. Default 16,384.
        public var eventCapacity = 16_384

        public init() {}
    }

    typealias Completion = CheckedContinuation<Result<ByteBuffer, ZooKeeperError>, Never>

    nonisolated let eventLoop: any EventLoop
    nonisolated let connectionString: ConnectionString
    let configuration: Configuration
    let logger: Logger

    var machine: SessionStateMachine<Completion>
    var channel: (any Channel)?
    var server: ConnectionString.Server?
    var timer: Scheduled<Void>?
    var flushIsScheduled = false
    var dropReason: String?
    var attempt = ReconnectSchedule()
    /// The last that became of the session; `nil` until something did.
    var state: ZooKeeperEvent?
    var isStopped = false
    private var consumers: [WeakBuffer] = []

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
        machine = SessionStateMachine(settings: settings)
    }

    /// What becomes of the session and of what it watches. Each call makes a sequence of its own, for one consumer.
    public func events() -> ZooKeeperEvents {
        let buffer = EventBuffer(capacity: configuration.eventCapacity)
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
