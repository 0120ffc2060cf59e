internal import Foundation
internal import IsthmusTesting
internal import NIOCore
internal import Synchronization
internal import Testing

@Suite("The chaos proxy", .timeLimit(.minutes(1)))
struct ChaosProxyTests {
    private static func run(
        reading: Bool = true, _ body: (ChaosProxy, TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(reading: reading) { server in
            try await ChaosProxy.withProxy(to: server.port) { proxy in try await body(proxy, server) }
        }
    }

    private static func someBytes(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 1)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// Whether the connection was reset rather than closed.
    private static func isReset(_ client: inout TestClient) async -> Bool {
        do {
            _ = try await client.readToEnd()
            return false
        } catch {
            return (error as? IOError)?.errnoCode == ECONNRESET
        }
    }

    @Test("without faults all bytes pass, and a client that sends no more still gets its answer")
    func transparent() async throws {
        try await Self.run { proxy, _ in
            let bytes = Self.someBytes(1_000_000)
            try await TestClient.run(to: proxy.port) { client in
                let outbound = client.outbound
                async let sent: Void = {
                    try await outbound.write(ByteBuffer(bytes: bytes))
                    outbound.finish()
                }()
                #expect(try await client.readToEnd() == bytes)
                try await sent
            }
            try await proxy.wait { $0.connections == 0 }
            let traffic = await proxy.traffic
            #expect(traffic.accepted == 1)
            for way in [traffic.toUpstream, traffic.toClient] {
                #expect(way.passed == bytes.count)
                #expect(way.received == bytes.count)
                #expect(way.held == 0)
            }
        }
    }

    @Test("a cut closes every connection, and the next one works")
    func cut() async throws {
        try await Self.run { proxy, server in
            try await TestClient.run(to: proxy.port) { client in
                try await client.write("one")
                #expect(try await client.readText(3) == "one")
                #expect(await proxy.connectionCount == 1)
                await proxy.cut()
                #expect(await proxy.connectionCount == 0)
                #expect(try await client.readToEnd() == [])
            }
            try await eventually("the server sees the end") { server.farewells == 1 }
            #expect(server.failures == 0)
            try await TestClient.run(to: proxy.port) { client in
                try await proxy.waitForConnections()
                try await client.write("two")
                #expect(try await client.readText(3) == "two")
            }
        }
    }

    @Test("a reset is seen by both sides as a reset")
    func reset() async throws {
        try await Self.run { proxy, server in
            try await TestClient.run(to: proxy.port) { client in
                try await proxy.waitForConnections()
                await proxy.reset()
                #expect(await Self.isReset(&client))
            }
            try await eventually("the server's connection failed") { server.failures == 1 }
        }
    }

    @Test("a refusing proxy looks as if no one listened, and the connections that stand go on")
    func refuse() async throws {
        try await Self.run { proxy, _ in
            try await TestClient.run(to: proxy.port) { client in
                try await proxy.waitForConnections()
                try await proxy.refuse()
                await #expect(throws: (any Error).self) { try await TestClient.run(to: proxy.port) { _ in } }
                try await client.write("on")
                #expect(try await client.readText(2) == "on")
                #expect(await proxy.traffic.accepted == 1)
                try await proxy.refuse(false)
                try await TestClient.run(to: proxy.port) { late in
                    try await late.write("late")
                    #expect(try await late.readText(4) == "late")
                }
            }
        }
    }

    @Test("a black hole holds what it is given, and gives it away at its end")
    func blackHole() async throws {
        try await Self.run { proxy, server in
            await proxy.blackHole()
            try await TestClient.run(to: proxy.port) { client in
                try await client.write("patience")
                try await proxy.wait { $0.connections == 1 && $0.toUpstream.held == 8 }
                #expect(server.received == 0)
                await proxy.blackHole(false)
                #expect(try await client.readText(8) == "patience")
            }
        }
    }

    @Test("a black hole on the way back lets requests through, not answers nor the news of an end")
    func oneWayBlackHole() async throws {
        try await Self.run { proxy, server in
            try await TestClient.run(to: proxy.port) { client in
                await proxy.blackHole(going: [.toClient])
                try await client.write("order")
                client.outbound.finish()
                try await proxy.wait { $0.toClient.held == 5 }
                #expect(server.received == 5)
                try await eventually("the server has closed the connection") { server.farewells == 1 }
                #expect(await proxy.connectionCount == 1)
                await proxy.blackHole(false)
                #expect(try await client.readToEnd() == Array("order".utf8))
            }
        }
    }

    @Test("a black hole that loses bytes goes on taking them, and its end resets those who lost some")
    func losingBlackHole() async throws {
        try await Self.run { proxy, server in
            try await TestClient.run(to: proxy.port) { loser in
                try await TestClient.run(to: proxy.port) { silent in
                    try await proxy.waitForConnections(2)
                    await proxy.blackHole(losing: true)
                    let bytes = Self.someBytes(2_000_000)
                    try await loser.write(bytes)
                    try await proxy.wait { $0.toUpstream.dropped == bytes.count }
                    #expect(server.received == 0)
                    await proxy.blackHole(false)
                    #expect(await Self.isReset(&loser))
                    try await silent.write("here")
                    #expect(try await silent.readText(4) == "here")
                }
            }
        }
    }

    @Test("a delay makes bytes late in each direction and keeps their order")
    func delay() async throws {
        try await Self.run { proxy, _ in
            try await TestClient.run(to: proxy.port) { client in
                try await proxy.waitForConnections()
                await proxy.delay(.milliseconds(50))
                let start = ContinuousClock.now
                for piece in ["a", "b", "c"] { try await client.write(piece) }
                #expect(try await client.readText(3) == "abc")
                #expect(ContinuousClock.now - start >= .milliseconds(100))
            }
        }
    }

    @Test("the end of a delay sets free what is on its way")
    func endOfDelay() async throws {
        try await Self.run { proxy, _ in
            try await TestClient.run(to: proxy.port) { client in
                await proxy.delay(.seconds(3_600))
                try await client.write("free")
                try await proxy.wait { $0.toUpstream.held == 4 }
                await proxy.delay(.zero)
                #expect(try await client.readText(4) == "free")
            }
        }
    }

    @Test("a throttle lets no more pass than it says")
    func throttle() async throws {
        try await Self.run { proxy, _ in
            await proxy.throttle(bytesPerSecond: 100_000, going: [.toClient])
            try await TestClient.run(to: proxy.port) { client in
                let bytes = Self.someBytes(20_000)
                let start = ContinuousClock.now
                try await client.write(bytes)
                #expect(try await client.read(bytes.count) == bytes)
                // The first piece is free.
                #expect(ContinuousClock.now - start >= .milliseconds(180))
            }
        }
    }

    @Test("a corruption changes the bytes it was set on and no other, the same ones for the same seed")
    func corrupt() async throws {
        try await Self.run { proxy, _ in
            var seen: [[UInt8]] = []
            for pieces in [[32], [1, 15, 16]] {
                await proxy.corrupt(next: 16, going: .toUpstream, oneIn: 2, seed: 7)
                try await TestClient.run(to: proxy.port) { client in
                    var answer: [UInt8] = []
                    for piece in pieces {
                        try await client.write([UInt8](repeating: 0, count: piece))
                        answer += try await client.read(piece)
                    }
                    seen.append(answer)
                }
            }
            #expect(seen[0] == seen[1])
            let changed = seen[0].filter { $0 != 0 }
            #expect((1..<16).contains(changed.count))
            #expect(changed.allSatisfy { $0.nonzeroBitCount == 1 })
            #expect(seen[0].dropFirst(16).allSatisfy { $0 == 0 })
        }
    }

    @Test("a receiver that doesn't read slows the sender down; little is held, and all arrives when it reads")
    func backPressure() async throws {
        try await Self.run(reading: false) { proxy, server in
            let total = 32 * 1024 * 1024
            let most = Maximum()
            try await TestClient.run(to: proxy.port) { client in
                let outbound = client.outbound
                async let sent: Void = {
                    let piece = ByteBuffer(repeating: 7, count: 64 * 1024)
                    for _ in 0..<(total / piece.readableBytes) { try await outbound.write(piece) }
                }()
                async let passed: Void = proxy.wait { traffic in
                    most.note(max(traffic.toUpstream.held, traffic.toClient.held))
                    return traffic.toUpstream.passed == total
                }
                try await proxy.wait { $0.toUpstream.held >= 256 * 1024 }
                #expect(await proxy.traffic.toUpstream.received < total / 2)
                #expect(server.received == 0)
                try await server.read()
                let answer = try await client.read(total)
                #expect(answer.count == total)
                #expect(answer.allSatisfy { $0 == 7 })
                try await sent
                try await passed
            }
            #expect(most.value < 512 * 1024)
        }
    }

    @Test("a client of an upstream that isn't there is reset, and reaches another one after a redirection")
    func upstreamIsGone() async throws {
        try await Self.run { proxy, server in
            let vacant = try ReservedPort()
            await proxy.redirect(to: vacant.port)
            // Otherwise the reset may come while the client still connects.
            await proxy.blackHole(going: [.toClient])
            try await TestClient.run(to: proxy.port) { client in
                await proxy.blackHole(false)
                #expect(await Self.isReset(&client))
            }
            withExtendedLifetime(vacant) {}
            #expect(await proxy.traffic.accepted == 1)
            await proxy.redirect(to: server.port)
            try await TestClient.run(to: proxy.port) { client in
                try await client.write("hello")
                #expect(try await client.readText(5) == "hello")
            }
        }
    }

    @Test("healing ends every fault")
    func heal() async throws {
        try await Self.run { proxy, _ in
            try await TestClient.run(to: proxy.port) { client in
                try await proxy.waitForConnections()
                await proxy.blackHole()
                await proxy.delay(.seconds(3_600))
                await proxy.throttle(bytesPerSecond: 1)
                await proxy.corrupt(next: 100, going: .toClient, seed: 1)
                try await proxy.refuse()
                try await client.write("healthy")
                try await proxy.heal()
                #expect(try await client.readText(7) == "healthy")
                try await TestClient.run(to: proxy.port) { _ in try await proxy.waitForConnections(2) }
            }
        }
    }

    @Test("one who waits for what can't come any more is told so")
    func stop() async throws {
        try await TestServer.run { server in
            let proxy = try await ChaosProxy.start(to: server.port)
            let connection = Task { try await proxy.waitForConnections() }
            await proxy.stop()
            await #expect(throws: TestSupportError.self) { try await connection.value }
            await #expect(throws: TestSupportError.self) { try await proxy.refuse(false) }
        }
    }
}

private final class Maximum: Sendable {
    private let state = Mutex(0)

    var value: Int { state.withLock { $0 } }

    func note(_ value: Int) {
        state.withLock { $0 = max($0, value) }
    }
}
