internal import Concurrency
internal import GRPC
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@Suite("One HTTP/2 connection", .timeLimit(.minutes(1)))
struct GRPCConnectionTests {
    /// What one call reported.
    private final class Call: Sendable {
        private let reports = Mutex((messages: [String](), end: GRPCStatus?.none))
        private let changed = EventCount()

        func message(_ bytes: ByteBuffer) {
            reports.withLock { $0.messages.append(String(buffer: bytes)) }
            changed.signal()
        }

        func end(_ status: GRPCStatus) {
            reports.withLock { reports in
                #expect(reports.end == nil)
                reports.end = status
            }
            changed.signal()
        }

        func messages(_ count: Int) async -> [String] {
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

    private static let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    private func withConnection(
        _ adjust: (inout GRPCConnection.Settings) -> Void = { _ in },
        _ body: (GRPCConnection, EchoServer) async throws -> Void
    ) async throws {
        let server = try await EchoServer.start()
        var settings = GRPCConnection.Settings()
        adjust(&settings)
        let connection = try await GRPCConnection.connect(
            host: "127.0.0.1", port: server.port, on: Self.eventLoop, settings: settings
        ).get()
        do {
            try await body(connection, server)
        } catch {
            try? await connection.channel.close()
            await server.stop()
            throw error
        }
        try? await connection.channel.close()
        await server.stop()
    }

    private func call(_ path: String, _ text: String, on connection: GRPCConnection) async throws -> Call {
        let call = Call()
        try await Self.eventLoop.submit {
            _ = connection.call(path, Array(text.utf8)) {
                call.message($0)
            } onEnd: {
                call.end($0)
            }
        }.get()
        return call
    }

    @Test("a call gets its answer and its status")
    func unary() async throws {
        try await withConnection { connection, _ in
            let call = try await call("/test/echo", "hello", on: connection)
            #expect(await call.end() == GRPCStatus(.ok))
            #expect(await call.messages(1) == ["hello"])
            let refused = try await self.call("/test/refuse", "hello", on: connection)
            #expect(await refused.end() == GRPCStatus(.notFound, "no such thing"))
        }
    }

    @Test("calls and streams share the connection, and a large message needs more than one window")
    func shared() async throws {
        try await withConnection({ $0.windowSize = 1 << 16 }) { connection, server in
            let stream = Call()
            let open = try await Self.eventLoop.submit {
                connection.open("/test/echo") {
                    stream.message($0)
                } onEnd: {
                    stream.end($0)
                }
            }.get()
            try await Self.eventLoop.submit { open.send(Array("one".utf8)) }.get()
            #expect(await stream.messages(1) == ["one"])
            let large = String(repeating: "x", count: 1 << 20)
            let calls = [
                try await call("/test/echo", large, on: connection), try await call("/test/echo", "b", on: connection),
            ]
            #expect(await calls[0].messages(1) == [large])
            #expect(await calls[1].messages(1) == ["b"])
            try await Self.eventLoop.submit { open.send(Array("two".utf8)) }.get()
            #expect(await stream.messages(2) == ["one", "two"])
            try await Self.eventLoop.submit { open.finish() }.get()
            #expect(await stream.end() == GRPCStatus(.ok))
            #expect(server.connections == 1)
        }
    }

    @Test("a message above the limit ends its call, and no other")
    func limit() async throws {
        try await withConnection({ $0.messageLimit = 10 }) { connection, _ in
            let long = try await call("/test/echo", "more than ten bytes", on: connection)
            #expect(await long.end()?.code == .resourceExhausted)
            let short = try await call("/test/echo", "short", on: connection)
            #expect(await short.messages(1) == ["short"])
        }
    }

    @Test("a reset and the end of the connection end calls, and the end is told once")
    func endings() async throws {
        try await withConnection { connection, server in
            let closed = Call()
            try await Self.eventLoop.submit {
                connection.observe(onGoAway: { _ in }, onClose: { _ in closed.end(GRPCStatus(.ok)) })
            }.get()
            let reset = try await call("/test/reset", "x", on: connection)
            #expect(await reset.end()?.code == .cancelled)
            let hanging = try await call("/test/hang", "x", on: connection)
            #expect(await hanging.messages(1) == ["x"])
            await server.stop()
            #expect(await hanging.end()?.code == .unavailable)
            #expect(await closed.end() != nil)
            let late = try await call("/test/echo", "x", on: connection)
            #expect(await late.end()?.code == .unavailable)
        }
    }

    @Test("a server that goes away says so, with its reason")
    func goAway() async throws {
        try await withConnection { connection, server in
            let gone = Call()
            try await Self.eventLoop.submit {
                connection.observe(onGoAway: { gone.message(ByteBuffer(string: $0)) }, onClose: { _ in })
            }.get()
            _ = try await call("/test/echo", "x", on: connection).end()
            await server.goAway("too_many_pings")
            #expect(await gone.messages(1).first?.contains("too_many_pings") == true)
        }
    }

    @Test("a call that is given up reports nothing")
    func cancelled() async throws {
        try await withConnection { connection, _ in
            let call = Call()
            try await Self.eventLoop.submit {
                connection.call("/test/hang", [1]) {
                    call.message($0)
                } onEnd: {
                    call.end($0)
                }.cancel()
            }.get()
            let other = try await self.call("/test/echo", "after", on: connection)
            #expect(await other.messages(1) == ["after"])
            #expect(await call.messages(0) == [])
        }
    }

    @Test("a closed port fails at once")
    func refused() async throws {
        let server = try await EchoServer.start()
        await server.stop()
        await #expect(throws: (any Error).self) {
            _ = try await GRPCConnection.connect(host: "127.0.0.1", port: server.port, on: Self.eventLoop).get()
        }
    }
}
