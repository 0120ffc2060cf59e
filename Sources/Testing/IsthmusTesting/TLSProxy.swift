internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// A proxy on 127.0.0.1 that speaks TLS with clients and plain TCP with one server, for servers that have no TLS of their own.
public enum TLSProxy {
    /// Runs a body with a proxy, which ends with the body.
    ///
    /// - Parameters:
    ///   - port: The server's, on 127.0.0.1.
    ///   - certificates: Those of the proxy.
    ///   - protocols: What it offers by ALPN, such as `h2`.
    ///   - body: Is given the proxy's port.
    /// - Throws: What the body throws, and what NIO throws when it can't listen.
    public static func withProxy<Value: Sendable>(
        to port: Int, certificates: TestCertificates, protocols: [String] = [],
        _ body: @escaping @Sendable (_ port: Int) async throws -> Value
    ) async throws -> Value {
        let chain = try NIOSSLCertificate.fromPEMFile(certificates.serverCertificate)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.serverKey, format: .pem)))
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        guard let own = listener.channel.localAddress?.port else { throw TestSupportError("the proxy has no port") }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await accept(listener, port)
                return nil
            }
            group.addTask { try await body(own) }
            defer { group.cancelAll() }
            while let value = try await group.next() { if let value { return value } }
            throw TestSupportError("the proxy ended before the body")
        }
    }

    private static func accept(
        _ listener: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>, _ port: Int
    ) async {
        await withDiscardingTaskGroup { links in
            try? await listener.executeThenClose { clients in
                for try await client in clients { links.addTask { try? await relay(client, to: port) } }
            }
            links.cancelAll()
        }
    }

    private static func relay(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>, to port: Int) async throws {
        let server = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await client.executeThenClose { fromClient, toClient in
            try await server.executeThenClose { fromServer, toServer in
                await withTaskGroup(of: Void.self) { ways in
                    ways.addTask { await pass(fromClient, to: toServer) }
                    ways.addTask { await pass(fromServer, to: toClient) }
                    // The end of one side is the end of both.
                    await ways.next()
                    ways.cancelAll()
                }
            }
        }
    }

    private static func pass(
        _ source: NIOAsyncChannelInboundStream<ByteBuffer>, to target: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async {
        do {
            for try await bytes in source { try await target.write(bytes) }
        } catch {}
    }
}
