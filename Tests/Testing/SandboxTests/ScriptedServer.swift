import NIOCore
import NIOPosix
import ZooKeeper

/// What a server does that keeps to the protocol only as far as a test wants.
struct ServerScript: Sendable {
    /// A client has sent the `number`th frame of its connection, counted from 0; the first is its handshake.
    var received: @Sendable (_ channel: any Channel, _ number: Int, _ frame: ByteBuffer) -> Void
}

/// Runs a server on the loopback interface for as long as `body` takes, which is given its address.
func withScriptedServer(_ script: ServerScript, _ body: (String) async throws -> Void) async throws {
    let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    ByteToMessageHandler(FrameDecoder(limit: 1 << 20)), ScriptHandler(script),
                ])
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let result: Result<Void, any Error>
    do {
        result = .success(try await body("127.0.0.1:\(listener.localAddress?.port ?? 0)"))
    } catch {
        result = .failure(error)
    }
    try await listener.close().get()
    try result.get()
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let script: ServerScript
    private var count = 0

    init(_ script: ServerScript) {
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        script.received(context.channel, count, unwrapInboundIn(data))
        count += 1
    }
}

extension ByteBuffer {
    static func handshake(timeout: Int32 = 30_000, session: Int64 = 7) -> ByteBuffer {
        ConnectResponse(
            timeout: timeout, sessionID: session, password: ByteBuffer(repeating: 1, count: 16), readOnly: false
        ).frame
    }
}
