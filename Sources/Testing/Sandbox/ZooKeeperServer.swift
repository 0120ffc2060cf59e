internal import NIOCore
internal import NIOPosix
internal import ZooKeeper

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A ZooKeeper server in memory, on the loopback interface, for demonstrations and tests.
///
/// It speaks the wire protocol to any client that keeps to `OpCode`. What is stored and what an answer says is the
/// business of `ZnodeTree`; this is its owner, who serves it, measures the time, and makes things fail on demand.
package actor ZooKeeperServer {
    package struct Configuration: Sendable {
        /// 0 for any that is free.
        package var port = 0
        /// The server's unit of time. The timeouts of sessions are cut to `sessionTicks` of it.
        package var tick: Duration = .seconds(2)
        /// From 1 up.
        package var sessionTicks = 2...20
        /// Whether persistent watches are known. Without, it behaves as 3.5 does: it closes the connection that asks.
        package var supportsAddWatch = true
        /// The longest request that is taken, in bytes (`jute.maxbuffer`).
        package var requestLimit = 0xF_FFFF

        package init() {}
    }

    enum Lifecycle {
        case idle
        case serving(port: Int)
        case stopped
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated let configuration: Configuration
    private var lifecycle = Lifecycle.idle { didSet { wakeWaiters() } }
    /// The tree that the server holds now.
    package internal(set) var tree: ZnodeTree { didSet { wakeWaiters() } }
    /// How many requests of clients were carried out, without pings.
    package internal(set) var operationCount = 0
    var connections: [Int: Connection] = [:]
    /// The connections that sessions go on over.
    var attached: [Int64: Int] = [:]
    var isPaused = false
    var refusesConnections = false
    var expiry: Scheduled<Void>?
    var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 0

    /// The actor runs on its event loop, as the handlers of all its channels do: one request is served at a time.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

    package init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
        eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        var settings = ZnodeTree.Settings()
        settings.tick = TimeAmount(configuration.tick)
        settings.sessionTicks = configuration.sessionTicks
        settings.supportsAddWatch = configuration.supportsAddWatch
        let uptime = Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000)
        settings.startOfTime = Int64(Date().timeIntervalSince1970 * 1_000) - uptime
        tree = ZnodeTree(settings: settings)
    }

    /// The port that the server listens on, once it does.
    ///
    /// - Throws: `ZooKeeperServerStopped` when it stopped, or could not listen; `CancellationError`.
    package var port: Int {
        get async throws {
            while true {
                switch lifecycle {
                case .serving(let port): return port
                case .stopped: throw ZooKeeperServerStopped()
                case .idle: try await waitForChange { _ in true }
                }
            }
        }
    }

    /// `127.0.0.1:PORT`, as clients take it, once the server listens.
    ///
    /// - Throws: As `port` does.
    package var address: String {
        get async throws { "127.0.0.1:\(try await port)" }
    }

    /// Serves until the task is cancelled, and then returns. It owns the socket and every connection. A server runs
    /// once.
    ///
    /// - Throws: When the port cannot be had.
    package func run() async throws {
        guard case .idle = lifecycle else { preconditionFailure("a server runs once") }
        defer { lifecycle = .stopped }
        let listener = try await ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(FrameDecoder(limit: self.configuration.requestLimit)),
                        ZooKeeperServerHandler(server: self),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: configuration.port).get()
        lifecycle = .serving(port: listener.localAddress?.port ?? configuration.port)
        await withTaskCancellationHandler {
            try? await listener.closeFuture.get()
        } onCancel: {
            listener.close(promise: nil)
        }
        // One that was accepted in the last moment is closed when it says that it is there.
        refusesConnections = true
        expiry?.cancel()
        for connection in connections.values {
            connection.channel.close(promise: nil)
            try? await connection.channel.closeFuture.get()
        }
    }

    /// Returns when `condition` holds. It is evaluated now, and after each change, so that no state passes unseen.
    ///
    /// - Throws: `CancellationError`.
    package func wait(until condition: @escaping @Sendable (ZnodeTree) -> Bool) async throws {
        if condition(tree) { return }
        try await waitForChange(condition)
    }

    struct Waiter {
        let condition: @Sendable (ZnodeTree) -> Bool
        let signal: AsyncStream<Void>.Continuation
    }

    private func waitForChange(_ condition: @escaping @Sendable (ZnodeTree) -> Bool) async throws {
        // A stream rather than a continuation: it hears of cancellation by itself.
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = Waiter(condition: condition, signal: signal)
        defer { waiters[id] = nil }
        for await _ in signals { return }
        throw CancellationError()
    }

    private func wakeWaiters() {
        for waiter in waiters.values where waiter.condition(tree) { waiter.signal.yield() }
    }
}

/// The server that was to be asked no longer runs.
package struct ZooKeeperServerStopped: Error, Sendable, CustomStringConvertible {
    package var description: String {
        "the in-memory ZooKeeper server is not running: it was stopped, or could not listen on its port"
    }
}

/// Runs a ZooKeeper server for as long as `body` takes.
///
/// - Throws: What `body` throws, and what `ZooKeeperServer.run()` throws.
package func withZooKeeperServer<Result: Sendable>(
    _ server: ZooKeeperServer = ZooKeeperServer(), _ body: @Sendable (ZooKeeperServer) async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        let result: Result
        do {
            _ = try await server.port
            result = try await body(server)
        } catch is ZooKeeperServerStopped {
            // Why it stopped is what the caller wants to know.
            try await group.next()
            throw ZooKeeperServerStopped()
        }
        group.cancelAll()
        try await group.waitForAll()
        return result
    }
}
