package import NIOCore
internal import NIOHTTP2
internal import NIOPosix
package import NIOSSL
internal import Synchronization

/// A gRPC server: HTTP/2 connections whose streams are calls.
///
/// It answers a client's pings however often they come. It pings by itself, so that a connection whose other end is gone
/// ends soon. What it holds for a connection is bounded: the number of connections and of streams, and the length of
/// what a client sends. What is sent waits for the client to read it, so a caller sends one message after another has
/// been answered.
package final class GRPCServer: Sendable {
    package struct Settings: Sendable {
        /// The longest accepted message in bytes. What is sent has no limit.
        package var messageLimit = 1 << 20
        /// How many bytes a client may send ahead, on each stream and on the connection.
        package var windowSize = 1 << 20
        package var connectionLimit = 256
        package var streamLimit = 16
        package var pingInterval = TimeAmount.seconds(30)
        /// How long a ping may go unanswered.
        package var pingTimeout = TimeAmount.seconds(10)

        package init() {}
    }

    private let listener: any Channel
    private let connections: Connections

    private init(listener: any Channel, connections: Connections) {
        self.listener = listener
        self.connections = connections
    }

    /// Where it listens.
    package var port: Int { listener.localAddress?.port ?? 0 }

    /// Listens.
    ///
    /// - Parameters:
    ///   - tls: The certificates for a new connection, asked for each; `nil` for plain text. The context offers `h2`.
    ///   - accept: Called on the event loop of the call. It returns `nil` for a method that is not served.
    /// - Throws: What keeps the address from being listened on.
    package static func listen(
        host: String, port: Int, tls: (@Sendable () -> NIOSSLContext)? = nil, settings: Settings = Settings(),
        on group: any EventLoopGroup, accept: @escaping @Sendable (GRPCServerCall) -> GRPCServerCall.Observer?
    ) async throws -> GRPCServer {
        let connections = Connections(limit: settings.connectionLimit)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.add(channel) else { throw ChannelError.inputClosed }
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls())) }
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(settings), streamConfiguration: .init(settings)
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            let handler = GRPCServerStreamHandler(
                                messageLimit: settings.messageLimit, peer: channel.remoteAddress, accept: accept)
                            try stream.pipeline.syncOperations.addHandler(handler)
                        }
                    }
                    try pipeline.addHandler(
                        KeepAliveHandler(interval: settings.pingInterval, timeout: settings.pingTimeout))
                }
            }
            .bind(host: host, port: port).get()
        return GRPCServer(listener: listener, connections: connections)
    }

    /// Stops to listen, and closes the connections.
    package func stop() async {
        try? await listener.close()
        for channel in connections.end() { try? await channel.close() }
    }
}

extension NIOHTTP2Handler.ConnectionConfiguration {
    fileprivate init(_ settings: GRPCServer.Settings) {
        self.init()
        targetWindowSize = settings.windowSize
        initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: settings.streamLimit),
            HTTP2Setting(parameter: .initialWindowSize, value: settings.windowSize),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
        ]
    }
}

extension NIOHTTP2Handler.StreamConfiguration {
    fileprivate init(_ settings: GRPCServer.Settings) {
        self.init()
        targetWindowSize = settings.windowSize
    }
}

/// The connections that are open.
private final class Connections: Sendable {
    private let limit: Int
    /// `nil` after the end.
    private let open = Mutex<[ObjectIdentifier: any Channel]?>([:])

    init(limit: Int) {
        self.limit = limit
    }

    /// - Returns: Whether the connection may stay.
    func add(_ channel: any Channel) -> Bool {
        let isAdded = open.withLock { open in
            guard let count = open?.count, count < limit else { return false }
            open?[ObjectIdentifier(channel)] = channel
            return true
        }
        guard isAdded else { return false }
        channel.closeFuture.whenComplete { _ in
            self.open.withLock { $0?[ObjectIdentifier(channel)] = nil }
        }
        return true
    }

    func end() -> [any Channel] {
        open.withLock { open in
            defer { open = nil }
            return open.map { Array($0.values) } ?? []
        }
    }
}

/// Closes a connection whose other end does not answer.
private final class KeepAliveHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let interval: TimeAmount
    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?

    init(interval: TimeAmount, timeout: TimeAmount) {
        self.interval = interval
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { awaitPing(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitPing(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ping(_, ack: true) = unwrapInboundIn(data).payload { awaitPing(context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The stream that it concerns has its own copy.
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }

    private func awaitPing(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer?.cancel()
        timer = context.eventLoop.scheduleTask(in: interval) {
            let (handler, context) = bound.value
            handler.ping(context)
        }
    }

    private func ping(_ context: ChannelHandlerContext) {
        let frame = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 1), ack: false))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) { bound.value.close(promise: nil) }
    }
}
