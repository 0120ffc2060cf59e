internal import IsthmusTesting
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A server that sends back what it is sent, as soon as it is allowed to read.
final class TestServer: Sendable {
    struct State {
        var connections: [any Channel] = []
        var isReading: Bool
        var received = 0
        /// Connections that ended with an error, such as a reset.
        var failures = 0
        /// Connections whose client said that it sends no more.
        var farewells = 0
    }

    let port: Int
    private let listener: any Channel
    private let state: StateBox

    static func run(reading: Bool = true, _ body: (TestServer) async throws -> Void) async throws {
        let server = try await TestServer(reading: reading)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private init(reading: Bool) async throws {
        let state = StateBox(isReading: reading)
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_rcvbuf), value: 16 * 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let isReading = state.value.withLock { state in
                        state.connections.append(channel)
                        return state.isReading
                    }
                    if isReading { try channel.syncOptions?.setOption(.autoRead, value: true) }
                    try channel.pipeline.syncOperations.addHandler(Echo(state: state))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.state = state
        port = listener.localAddress?.port ?? 0
    }

    var received: Int { state.value.withLock { $0.received } }
    var failures: Int { state.value.withLock { $0.failures } }
    var farewells: Int { state.value.withLock { $0.farewells } }

    /// From now on it reads what it is sent.
    func read() async throws {
        let connections = state.value.withLock { state in
            state.isReading = true
            return state.connections
        }
        for connection in connections {
            try await connection.setOption(.autoRead, value: true).get()
        }
    }

    private func stop() async {
        try? await listener.close()
        for connection in state.value.withLock({ $0.connections }) { try? await connection.close() }
    }

    private final class StateBox: Sendable {
        let value: Mutex<State>

        init(isReading: Bool) {
            value = Mutex(State(isReading: isReading))
        }
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let state: StateBox

        init(state: StateBox) {
            self.state = state
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.value.withLock { $0.received += bytes.readableBytes }
            context.writeAndFlush(data, promise: nil)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            state.value.withLock { $0.farewells += 1 }
            let channel = context.channel
            channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            state.value.withLock { $0.failures += 1 }
            context.close(promise: nil)
        }
    }
}
