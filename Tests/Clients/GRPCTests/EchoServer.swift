internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import NIOPosix
internal import Synchronization

/// A gRPC server that sends back what it gets, or misbehaves as the path says.
final class EchoServer: Sendable {
    private let listener: any Channel
    private let accepted: Accepted

    /// The connections so far.
    private final class Accepted: Sendable {
        let channels = Mutex<[any Channel]>([])
    }

    var port: Int { listener.localAddress?.port ?? 0 }
    var connections: Int { accepted.channels.withLock { $0.count } }

    static func start() async throws -> EchoServer {
        let accepted = Accepted()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                accepted.channels.withLock { $0.append(channel) }
                return channel.configureHTTP2Pipeline(
                    mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                ) { stream in
                    stream.eventLoop.makeCompletedFuture {
                        try stream.pipeline.syncOperations.addHandler(EchoHandler())
                    }
                }.map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return EchoServer(listener: listener, accepted: accepted)
    }

    private init(listener: any Channel, accepted: Accepted) {
        self.listener = listener
        self.accepted = accepted
    }

    func goAway(_ reason: String) async {
        for channel in accepted.channels.withLock({ $0 }) {
            let frame = HTTP2Frame(
                streamID: .rootStream,
                payload: .goAway(
                    lastStreamID: .maxID, errorCode: .noError, opaqueData: ByteBuffer(string: reason)))
            try? await channel.writeAndFlush(frame)
        }
    }

    func stop() async {
        try? await listener.close()
        for channel in accepted.channels.withLock({ $0 }) { try? await channel.close() }
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private var path = ""

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let content): begin(context, content)
        case .data(let content):
            guard case .byteBuffer(let bytes) = content.data else { return }
            echo(context, bytes, isLast: content.endStream)
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ content: HTTP2Frame.FramePayload.Headers) {
        path = content.headers.first(name: ":path") ?? ""
        var headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        switch path {
        case "/test/refuse":
            headers.add(name: "grpc-status", value: "5")
            headers.add(name: "grpc-message", value: "no%20such%20thing")
            write(context, headers, isLast: true)
        case "/test/reset":
            context.writeAndFlush(wrapOutboundOut(.rstStream(.cancel)), promise: nil)
        default: write(context, headers, isLast: false)
        }
    }

    private func echo(_ context: ChannelHandlerContext, _ bytes: ByteBuffer, isLast: Bool) {
        guard path != "/test/refuse", path != "/test/reset" else { return }
        if bytes.readableBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes)))), promise: nil)
        }
        if isLast, path != "/test/hang" { write(context, ["grpc-status": "0"], isLast: true) }
    }

    private func write(_ context: ChannelHandlerContext, _ headers: HPACKHeaders, isLast: Bool) {
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: headers, endStream: isLast))), promise: nil)
    }
}
