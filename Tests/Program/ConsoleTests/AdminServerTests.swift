import Console
import FoundationEssentials
import IsthmusTesting
import Logging
import Status
import Testing

@Suite("the admin server", .timeLimit(.minutes(1)))
struct AdminServerTests {
    private let bridge = FakeBridge()
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func server(
        port: Int = 0, idleTimeout: Duration = .seconds(10), onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> AdminServer {
        AdminServer(
            host: "127.0.0.1", port: port, endpoint: bridge.endpoint, idleTimeout: idleTimeout, logger: Self.logger,
            onListening: onListening)
    }

    /// The server while `body` runs, with its port.
    private func withServer(
        idleTimeout: Duration = .seconds(10), _ body: (Int) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = server(idleTimeout: idleTimeout) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var iterator = ports.makeAsyncIterator()
            try await body(try #require(await iterator.next()))
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private static func exchange(_ head: String, body: String = "", port: Int) async throws -> String {
        let lines = head.split(separator: "\n").map(String.init) + ["Host: here", "Connection: close", "", ""]
        return try await Loopback.exchange(lines.joined(separator: "\r\n") + body, port: port, patience: 20)
    }

    @Test("it answers over HTTP, in JSON that no cache keeps")
    func status() async throws {
        try await withServer { port in
            let reply = try await Self.exchange("GET /status HTTP/1.1", port: port)
            #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let head = reply.lowercased()
            #expect(head.contains("content-type: application/json\r\n"))
            #expect(head.contains("cache-control: no-store\r\n"))
            let body = try #require(reply.firstRange(of: "\r\n\r\n")).upperBound
            let status = try BridgeStatus(decoding: Data(reply[body...].utf8))
            #expect(status.instance == "main")
        }
    }

    @Test("HEAD has the head of GET and no body")
    func head() async throws {
        try await withServer { port in
            let reply = try await Self.exchange("HEAD /livez HTTP/1.1", port: port)
            #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(reply.lowercased().contains("content-length: 14\r\n"))
            #expect(reply.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("a release by a request with a small body, as curl sends it, is carried out once")
    func release() async throws {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        try await withServer { port in
            let head = "POST /release/zk HTTP/1.1\nAuthorization: Bearer secret\nContent-Length: 2"
            let first = try await Self.exchange(head, body: "{}", port: port)
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(first)")
            let second = try await Self.exchange(head, body: "{}", port: port)
            #expect(second.hasPrefix("HTTP/1.1 404 Not Found\r\n"), "\(second)")
        }
    }

    @Test("several requests go over one connection")
    func keepAlive() async throws {
        try await withServer { port in
            let first = "GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
            let reply = try await Loopback.exchange(
                first + first + "GET /readyz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", port: port,
                patience: 20)
            #expect(reply.ranges(of: "HTTP/1.1 200 OK").count == 3)
        }
    }

    @Test(
        "a body that is large, or does not say how large it is, is refused unread",
        arguments: ["Content-Length: 4097", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked"])
    func largeBody(header: String) async throws {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        try await withServer { port in
            let reply = try await Loopback.exchange(
                "POST /release/zk HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer secret\r\n\(header)\r\n\r\n",
                port: port, patience: 20)
            #expect(reply.hasPrefix("HTTP/1.1 4"), "\(reply)")
            #expect(reply.lowercased().contains("connection: close\r\n"))
            #expect(bridge.status.releasable == ["zk"])
        }
    }

    @Test("a head that is too long, or not HTTP, is refused", arguments: [true, false])
    func badHead(isLong: Bool) async throws {
        try await withServer { port in
            let text = isLong ? "X-Long: \(String(repeating: "x", count: 20_000))" : "no header"
            let reply = try await Self.exchange("GET /livez HTTP/1.1\n\(text)", port: port)
            #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
        }
    }

    @Test("the connection of a client that does not end a request's head is closed")
    func slowClient() async throws {
        try await withServer(idleTimeout: .milliseconds(100)) { port in
            let reply = try await Loopback.exchange("GET /livez HT", port: port, patience: 20)
            #expect(reply.isEmpty)
        }
    }

    @Test("a port that is taken is an error that names the address")
    func taken() async throws {
        try await withServer { port in
            let second = server(port: port)
            let error = await #expect(throws: AdminServer.Unavailable.self) { try await second.run() }
            #expect(
                error?.description
                    == "the admin endpoint can't listen on 127.0.0.1:\(port): Address already in use")
        }
    }
}
