import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server whose replies the test decides.
final class TestServer: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var uri: String
        var headers: HTTPHeaders
        var body: String
        /// The number of the server's connection, from 0.
        var connection: Int
        /// The serial number of the client's certificate.
        var clientCertificate: [UInt8]?

        var path: String { String(uri.prefix { $0 != "?" }) }
        var query: [String: String] {
            var result: [String: String] = [:]
            for pair in uri.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                result[String(parts[0])] = String(parts[1])
            }
            return result
        }
        var isWatch: Bool { query["watch"] == "true" }
    }

    enum Ending: Sendable {
        /// The reply is complete.
        case clean
        /// The connection is closed before the end of the reply.
        case broken
        /// The server sends nothing more and keeps the connection.
        case silent
    }

    struct Reply: Sendable {
        var status = 200
        var headers: HTTPHeaders = [:]
        var chunks: [String] = []
        /// Further chunks, sent when they come.
        var later: AsyncStream<String>?
        var ending = Ending.clean
        /// The server sends no reply at all.
        var isBlackHole = false

        static func json(_ body: String, status: Int = 200, headers: HTTPHeaders = [:]) -> Self {
            Self(status: status, headers: headers, chunks: [body])
        }

        static func lines(_ lines: [String], ending: Ending = .clean) -> Self {
            Self(chunks: lines.map { $0 + "\n" }, ending: ending)
        }

        static let blackHole = Self(isBlackHole: true)
    }

    let port: Int
    private let handler: @Sendable (Request) -> Reply
    private let received = Mutex<[Request]>([])
    private let connections = Atomic(0)
    private let tls: TLS?

    /// The TLS context of new connections.
    final class TLS: Sendable {
        private let context: Mutex<NIOSSLContext>
        init(_ context: NIOSSLContext) { self.context = Mutex(context) }
        var current: NIOSSLContext {
            get { context.withLock { $0 } }
            set { context.withLock { $0 = newValue } }
        }
    }

    private init(port: Int, tls: TLS?, handler: @escaping @Sendable (Request) -> Reply) {
        self.port = port
        self.tls = tls
        self.handler = handler
    }

    var url: String { "\(tls == nil ? "http" : "https")://127.0.0.1:\(port)" }
    var requests: [Request] { received.withLock { $0 } }

    /// Serves for as long as `body` runs.
    static func run<Result: Sendable>(
        on host: String = "127.0.0.1", tls: TLS? = nil, _ handler: @escaping @Sendable (Request) -> Reply,
        _ body: @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .bind(host: host, port: 0) { $0.eventLoop.makeSucceededFuture($0) }
        let server = TestServer(port: listener.channel.localAddress!.port!, tls: tls, handler: handler)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await channel in connections {
                            // A connection that the client closes is no failure of the server.
                            group.addTask { try? await server.serve(channel) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(server)
        }
    }

    /// Answers with the replies in turn, and repeats the last one.
    static func run<Result: Sendable>(
        replies: [Reply], _ body: @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let rest = Mutex(replies[...])
        return try await run({ _ in rest.withLock { $0.count > 1 ? $0.removeFirst() : $0.first! } }, body)
    }

    private func serve(_ channel: any Channel) async throws {
        let number = connections.add(1, ordering: .relaxed).oldValue
        // The async channel is made only here, since one that is not served until the test ends is an error.
        let connection = try await channel.eventLoop.submit { [tls] in
            let pipeline = channel.pipeline.syncOperations
            if let tls {
                // Any certificate is accepted. The tests compare its serial number.
                try pipeline.addHandler(
                    NIOSSLServerHandler(
                        context: tls.current, customVerificationCallback: { $1.succeed(.certificateVerified) }))
            }
            try pipeline.configureHTTPServerPipeline()
            return try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                wrappingChannelSynchronously: channel)
        }.get()
        try await connection.executeThenClose { inbound, outbound in
            try await channel.setOption(.autoRead, value: true).get()
            var request = Request(method: .GET, uri: "", headers: [:], body: "", connection: number)
            for try await part in inbound {
                switch part {
                case .head(let head):
                    request = Request(
                        method: head.method, uri: head.uri, headers: head.headers, body: "", connection: number,
                        clientCertificate: tls == nil
                            ? nil : try await channel.nioSSL_peerCertificate().get().map { $0.serialNumber })
                case .body(let buffer):
                    request.body += String(buffer: buffer)
                case .end:
                    received.withLock { $0.append(request) }
                    guard try await answer(handler(request), to: outbound) else { return }
                }
            }
        }
    }

    /// - Returns: whether the connection stays open.
    private func answer(
        _ reply: Reply, to outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        if reply.isBlackHole { return true }
        let status = HTTPResponseStatus(statusCode: reply.status)
        try await outbound.write(.head(.init(version: .http1_1, status: status, headers: reply.headers)))
        for chunk in reply.chunks { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: chunk)))) }
        if let later = reply.later {
            for await chunk in later { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: chunk)))) }
        }
        switch reply.ending {
        case .clean: try await outbound.write(.end(nil))
        case .broken: return false
        case .silent: break
        }
        // A server that announces the close closes the connection.
        return reply.headers["Connection"] != ["close"]
    }
}
