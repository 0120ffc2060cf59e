internal import NIOCore
internal import NIOPosix

/// A network that fails on demand: a TCP proxy on 127.0.0.1 between clients and one server, the upstream.
///
/// Every fault can begin and end at any moment, for the connections that stand and for new ones alike. Faults add up.
/// Bytes that can't be passed on are held, at most 256 KiB for each direction of a connection; then the sender is not
/// read from any more, and is slowed down as by a slow network. Without faults the proxy changes nothing: bytes,
/// half-closed connections and resets pass as they come.
public actor ChaosProxy {
    /// Which way bytes go.
    public enum Direction: Sendable, Hashable, CaseIterable {
        /// From a client to the server.
        case toUpstream
        /// From the server to a client.
        case toClient

        /// There and back.
        public static let both = Set(Direction.allCases)

        var reversed: Direction { self == .toUpstream ? .toClient : .toUpstream }
    }

    /// The bytes that a peer may send unread, and that have to be read at once when it ends.
    private static let socketBuffer: SocketOptionValue = 64 * 1024

    nonisolated let eventLoop: any EventLoop
    nonisolated let reservation: ReservedPort
    var upstreamPort: Int
    private var listener: (channel: any Channel, socket: Int32)?
    var isRefusing = true
    private(set) var isStopped = false

    private var nextID = 0
    var links: [Int: ChaosLink] = [:]
    var conditions = BothWays(ChaosConditions())
    var corruption = BothWays<ChaosCorruption?>(nil)

    /// The traffic so far.
    public internal(set) var traffic = Traffic() { didSet { wakeWaiters() } }
    var waiters: [Int: Waiter] = [:]
    var nextWaiter = 0

    /// The actor runs on its event loop, as the handlers of all its channels do.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

    /// Where it listens on 127.0.0.1. No one else gets the port while nothing listens on it.
    public nonisolated var port: Int { reservation.port }

    /// `127.0.0.1:PORT`, as clients take it.
    public nonisolated var address: String { "127.0.0.1:\(port)" }

    /// Starts a proxy on a free port.
    ///
    /// - Parameter port: the server's, on 127.0.0.1; nothing has to listen there yet.
    /// - Throws: ``TestSupportError`` and what NIO throws when it can't listen.
    public static func start(to port: Int) async throws -> ChaosProxy {
        let proxy = ChaosProxy(upstreamPort: port, reservation: try ReservedPort())
        try await proxy.listen()
        return proxy
    }

    /// Runs a body with a proxy of its own, and stops the proxy however the body ends.
    public static func withProxy<Value>(
        to port: Int, isolation: isolated (any Actor)? = #isolation, _ body: (ChaosProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try await start(to: port)
        return try await with(proxy, stop: { await $0.stop() }, isolation: isolation, body)
    }

    private init(upstreamPort: Int, reservation: ReservedPort) {
        self.upstreamPort = upstreamPort
        self.reservation = reservation
        eventLoop = MultiThreadedEventLoopGroup.singleton.any()
    }

    /// Cuts every connection and listens no more, for good. Whoever waits for something hears that it won't come.
    public func stop() async {
        isStopped = true
        await stopListening()
        cut()
        wakeWaiters()
    }

    // MARK: Listening

    func listen() async throws {
        guard !isStopped else { throw TestSupportError("the proxy on port \(port) has stopped") }
        isRefusing = false
        guard listener == nil else { return }
        let socket = try reservation.listen(receiveBuffer: Int32(Self.socketBuffer))
        let fresh = (channel: try await bootstrap().withBoundSocket(socket).get(), socket: socket)
        // Meanwhile someone may have wished otherwise, or for the same.
        if isRefusing || listener != nil { await Self.close(fresh) } else { listener = fresh }
    }

    func stopListening() async {
        isRefusing = true
        if let listener = listener.take() { await Self.close(listener) }
    }

    private static func close(_ listener: (channel: any Channel, socket: Int32)) async {
        ReservedPort.endListening(listener.socket)
        try? await listener.channel.close()
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: eventLoop)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let id = self.assumeIsolated { $0.makeID() }
                    try channel.pipeline.syncOperations.addHandler(
                        ChaosHandler(proxy: self, id: id, direction: .toUpstream))
                }
            }
    }

    private func makeID() -> Int {
        nextID += 1
        return nextID
    }

    // MARK: Connecting

    func accepted(_ id: Int, _ client: any Channel) {
        // One that was accepted in the last moment.
        guard !isRefusing else { return client.reset() }
        links[id] = ChaosLink(client: client)
        traffic.accepted += 1
        connect(id).whenComplete { result in
            self.assumeIsolated { $0.connected(id, result) }
        }
        pump(id, going: .toUpstream)
    }

    private func connect(_ id: Int) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .channelOption(.socketOption(.so_rcvbuf), value: Self.socketBuffer)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ChaosHandler(proxy: self, id: id, direction: .toClient))
                }
            }
        do {
            return bootstrap.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: upstreamPort))
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }
}
