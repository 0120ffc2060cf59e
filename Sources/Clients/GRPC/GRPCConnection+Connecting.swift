package import NIOCore
internal import NIOHTTP2
internal import NIOPosix
package import NIOSSL

extension GRPCConnection {
    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - tls: The certificates, and the name to verify (`nil` for an address); `nil` for a server without TLS. The
    ///     context offers `h2` by ALPN.
    package static func connect(
        host: String, port: Int, tls: (context: NIOSSLContext, serverName: String?)? = nil, on eventLoop: any EventLoop,
        settings: Settings = Settings()
    ) -> EventLoopFuture<GRPCConnection> {
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let scheme = tls == nil ? "http" : "https"
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(settings.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: tls.context, serverHostname: tls.serverName))
                    }
                    let multiplexer = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(settings), streamConfiguration: .init(settings)
                    ) { stream in
                        // Servers may not open streams: push is off.
                        stream.close()
                    }
                    try pipeline.addHandler(GRPCConnectionHandler(multiplexer: multiplexer))
                }
            }
            .connect(host: host, port: port)
            .flatMapThrowing { channel in
                // A host with several addresses had several channels. This is the one that the bootstrap chose.
                let handler = try channel.pipeline.syncOperations.handler(type: GRPCConnectionHandler.self)
                return GRPCConnection(
                    channel: channel, handler: NIOLoopBound(handler, eventLoop: eventLoop),
                    multiplexer: handler.multiplexer, settings: settings, authority: authority, scheme: scheme)
            }
    }

    /// Reports what becomes of the connection, from its beginning.
    ///
    /// - Parameters:
    ///   - onGoAway: The server takes no new calls, with its reason.
    ///   - onClose: The connection ended, with the error where there was one. It is called once.
    package func observe(
        onGoAway: @escaping @Sendable (String) -> Void, onClose: @escaping @Sendable ((any Error)?) -> Void
    ) {
        handler.value.observe(onGoAway: onGoAway, onClose: onClose)
    }
}

extension NIOHTTP2Handler.ConnectionConfiguration {
    fileprivate init(_ settings: GRPCConnection.Settings) {
        self.init()
        targetWindowSize = settings.windowSize
        initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: settings.windowSize),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
        ]
    }
}

extension NIOHTTP2Handler.StreamConfiguration {
    fileprivate init(_ settings: GRPCConnection.Settings) {
        self.init()
        targetWindowSize = settings.windowSize
        // The handler's limit of resets is meant for servers. A server that refuses many calls is no attack.
        streamResetFrameRateLimit.maximumCount = 10_000
    }
}

/// Sees what concerns the connection as a whole.
final class GRPCConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    private var onGoAway: (@Sendable (String) -> Void)?
    private var onClose: (@Sendable ((any Error)?) -> Void)?
    private var goAway: String?
    private var failure: (any Error)?
    private var isClosed = false

    init(multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.multiplexer = multiplexer
    }

    func observe(
        onGoAway: @escaping @Sendable (String) -> Void, onClose: @escaping @Sendable ((any Error)?) -> Void
    ) {
        if isClosed {
            onClose(failure)
            return
        }
        self.onGoAway = onGoAway
        self.onClose = onClose
        if let goAway { onGoAway(goAway) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .goAway(_, let code, let words) = unwrapInboundIn(data).payload else { return }
        let reason = words.map { String(buffer: $0) } ?? ""
        let text = reason.isEmpty ? "\(code)" : "\(code), \(reason)"
        goAway = text
        onGoAway?(text)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The stream that it concerns has its own copy.
        if error is NIOHTTP2Errors.StreamError { return }
        failure = failure ?? error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        onClose?(failure)
        onClose = nil
        context.fireChannelInactive()
    }
}
