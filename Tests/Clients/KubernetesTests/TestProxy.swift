import NIOCore
import NIOPosix
import Synchronization

/// An HTTP proxy that opens a tunnel at a `CONNECT` request, whatever host the request names.
final class TestProxy: Sendable {
    let port: Int
    /// The port to which all tunnels lead.
    private let target: Int
    /// The status line of the answer to `CONNECT`.
    private let answer: String
    private let heads = Mutex<[String]>([])

    /// The requests that opened a tunnel, each with its headers.
    var requests: [String] { heads.withLock { $0 } }

    private init(port: Int, target: Int, answer: String) {
        self.port = port
        self.target = target
        self.answer = answer
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Serves for as long as `body` runs.
    static func run<Result: Sendable>(
        to target: Int, answer: String = "200 Connection established",
        _ body: @Sendable (TestProxy) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let proxy = TestProxy(port: listener.channel.localAddress!.port!, target: target, answer: answer)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections {
                            group.addTask { try? await proxy.serve(connection) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(proxy)
        }
    }

    private func serve(_ client: Connection) async throws {
        try await client.executeThenClose { inbound, outbound in
            var chunks = inbound.makeAsyncIterator()
            var head = ""
            while !head.hasSuffix("\r\n\r\n") {
                guard let chunk = try await chunks.next() else { return }
                head += String(buffer: chunk)
            }
            heads.withLock { $0.append(head) }
            try await outbound.write(ByteBuffer(string: "HTTP/1.1 \(answer)\r\n\r\n"))
            guard answer.hasPrefix("200") else { return }
            let server = try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
                .connect(host: "127.0.0.1", port: target) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try await server.executeThenClose { replies, requests in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for try await reply in replies { try await outbound.write(reply) } }
                    while let chunk = try await chunks.next() { try await requests.write(chunk) }
                    group.cancelAll()
                }
            }
        }
    }
}
