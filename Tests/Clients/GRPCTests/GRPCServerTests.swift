internal import Concurrency
internal import GRPC
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@Suite("A gRPC server", .timeLimit(.minutes(1)))
struct GRPCServerTests {
    /// What one call reported to its caller.
    private final class Call: Sendable {
        private let reports = Mutex((messages: [ByteBuffer](), end: GRPCStatus?.none))
        private let changed = EventCount()

        func message(_ bytes: ByteBuffer) {
            reports.withLock { $0.messages.append(bytes) }
            changed.signal()
        }

        func end(_ status: GRPCStatus) {
            reports.withLock { $0.end = status }
            changed.signal()
        }

        func messages(_ count: Int) async -> [ByteBuffer] {
            while true {
                let ticket = changed.ticket
                let messages = reports.withLock { $0.messages }
                if messages.count >= count || Task.isCancelled { return messages }
                await changed.wait(after: ticket)
            }
        }

        func end() async -> GRPCStatus? {
            while true {
                let ticket = changed.ticket
                if let end = reports.withLock({ $0.end }) { return end }
                if Task.isCancelled { return nil }
                await changed.wait(after: ticket)
            }
        }
    }

    /// What the server saw of its calls.
    private final class Seen: Sendable {
        let peers = Mutex<[String]>([])
        let ends = Mutex(0)
        let changed = EventCount()

        func waitForEnds(_ count: Int) async {
            while true {
                let ticket = changed.ticket
                if ends.withLock({ $0 }) >= count || Task.isCancelled { return }
                await changed.wait(after: ticket)
            }
        }
    }

    private static let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    /// A server that sends back each message twice over `/test/echo`, in parts, and a connection to it.
    private func withServer(
        _ adjust: (inout GRPCServer.Settings) -> Void = { _ in }, limit: Int = 64 << 20,
        _ body: (GRPCServer, GRPCConnection, Seen) async throws -> Void
    ) async throws {
        var settings = GRPCServer.Settings()
        adjust(&settings)
        let seen = Seen()
        let server = try await GRPCServer.listen(
            host: "127.0.0.1", port: 0, settings: settings, on: MultiThreadedEventLoopGroup.singleton
        ) { call in
            guard call.path == "/test/echo" else { return nil }
            seen.peers.withLock { $0.append(call.peer) }
            return GRPCServerCall.Observer { message in
                if message.readableBytes == 0 {
                    call.end(GRPCStatus(.aborted, "as wished: ü"))
                } else {
                    call.send([message, ByteBuffer(), message])
                }
            } onEnd: {
                seen.ends.withLock { $0 += 1 }
                seen.changed.signal()
            }
        }
        var client = GRPCConnection.Settings()
        client.messageLimit = limit
        let connection = try await GRPCConnection.connect(
            host: "127.0.0.1", port: server.port, on: Self.eventLoop, settings: client
        ).get()
        try await body(server, connection, seen)
        try? await connection.channel.close()
        await server.stop()
    }

    private func open(
        _ connection: GRPCConnection, _ call: Call, path: String = "/test/echo"
    ) async throws -> GRPCStream {
        try await Self.eventLoop.submit {
            connection.open(path) {
                call.message($0)
            } onEnd: {
                call.end($0)
            }
        }.get()
    }

    private func send(_ message: [UInt8], _ stream: GRPCStream) { Self.eventLoop.execute { stream.send(message) } }

    @Test("a message may come in parts, and the client's end is answered")
    func echo() async throws {
        try await withServer { _, connection, seen in
            let call = Call()
            let stream = try await open(connection, call)
            send(Array("ab".utf8), stream)
            #expect(await call.messages(1).map { String(buffer: $0) } == ["abab"])
            Self.eventLoop.execute { stream.finish() }
            #expect(await call.end() == GRPCStatus(.ok))
            #expect(seen.ends.withLock { $0 } == 1)
            #expect(seen.peers.withLock { $0.first?.hasPrefix("127.0.0.1:") } == true)
        }
    }

    @Test("a long message passes, however small the client's window is")
    func longMessage() async throws {
        try await withServer { _, connection, _ in
            let call = Call()
            let stream = try await open(connection, call)
            let message = [UInt8](repeating: 7, count: 1_000_000)
            send(message, stream)
            #expect(await call.messages(1).first?.readableBytes == 2_000_000)
        }
    }

    @Test("a method that is not served, and an end by the server, have their status")
    func statuses() async throws {
        try await withServer { _, connection, _ in
            let other = Call()
            _ = try await open(connection, other, path: "/test/other")
            #expect(await other.end() == GRPCStatus(.unimplemented, "/test/other is not served here"))
            let call = Call()
            let stream = try await open(connection, call)
            send([], stream)
            #expect(await call.end() == GRPCStatus(.aborted, "as wished: ü"))
        }
    }

    @Test("a message above the limit ends its call, and no other")
    func messageLimit() async throws {
        try await withServer {
            $0.messageLimit = 100
        } _: { _, connection, seen in
            let (long, short) = (Call(), Call())
            let stream = try await open(connection, long)
            let other = try await open(connection, short)
            send([UInt8](repeating: 1, count: 101), stream)
            #expect(await long.end()?.code == .resourceExhausted)
            send([1], other)
            #expect(await short.messages(1).count == 1)
            await seen.waitForEnds(1)
        }
    }

    @Test("the server knows when a client is gone, and a client when the server is")
    func ends() async throws {
        try await withServer { server, connection, seen in
            _ = try await open(connection, Call())
            let stream = try await open(connection, Call())
            send([1], stream)
            Self.eventLoop.execute { stream.cancel() }
            await seen.waitForEnds(1)
            try await connection.channel.close()
            await seen.waitForEnds(2)
            let second = try await GRPCConnection.connect(
                host: "127.0.0.1", port: server.port, on: Self.eventLoop
            ).get()
            await server.stop()
            try await second.channel.closeFuture.get()
        }
    }

    @Test("a connection that answers pings stays; what speaks no HTTP/2 goes")
    func pings() async throws {
        try await withServer { settings in
            settings.pingInterval = .milliseconds(20)
            settings.pingTimeout = .seconds(2)
        } _: { server, connection, _ in
            let silent = try await ClientBootstrap(group: Self.eventLoop).connect(
                host: "127.0.0.1", port: server.port
            ).get()
            // It never answers a ping.
            try await silent.closeFuture.get()
            let call = Call()
            let stream = try await open(connection, call)
            send([1], stream)
            #expect(await call.messages(1).count == 1)
        }
    }

    @Test("above the limit of connections a new one is closed, and the others go on")
    func connectionLimit() async throws {
        try await withServer {
            $0.connectionLimit = 1
        } _: { server, connection, _ in
            let second = try await ClientBootstrap(group: Self.eventLoop).connect(
                host: "127.0.0.1", port: server.port
            ).get()
            try await second.closeFuture.get()
            let call = Call()
            let stream = try await open(connection, call)
            send([1], stream)
            #expect(await call.messages(1).count == 1)
        }
    }
}
