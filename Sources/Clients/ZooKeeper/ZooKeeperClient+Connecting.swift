internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage
internal import Text

extension ZooKeeperClient {
    /// Connects to the server and sends the handshake.
    ///
    /// - Throws: The error of the attempt; `CancellationError` at once when the task is cancelled. The attempt, such as
    ///   a slow name resolution, then ends by itself, and its channel is closed.
    func connect(to server: ConnectionString.Server) async throws -> any Channel {
        let tls = try await makeTLSContext()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else {
                    continuation.resume(throwing: CancellationError())
                    return
                }
                pendingConnection = continuation
                bootstrap(server, tls).connect(host: server.host, port: server.port).whenComplete { result in
                    self.assumeIsolated { $0.connectionAttempted(result) }
                }
            }
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.abandonConnectionAttempt() } }
        }
    }

    private func makeTLSContext() async throws -> NIOSSLContext? {
        guard let tls = configuration.tls else { return nil }
        // Reading files blocks, and this actor runs on an event loop.
        return try await NIOThreadPool.singleton.runIfActive { try tls.makeContext() }
    }

    private func bootstrap(_ server: ConnectionString.Server, _ tls: NIOSSLContext?) -> ClientBootstrap {
        let share = configuration.sessionTimeout / max(connectionString.servers.count, 1)
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(min(max(share, .seconds(1)), .seconds(10))))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try self.assumeIsolated { try $0.prepare(channel, server, tls) }
                }
            }
    }

    private func prepare(_ channel: any Channel, _ server: ConnectionString.Server, _ tls: NIOSSLContext?) throws {
        guard lifecycle == .running else { throw CancellationError() }
        let id = ObjectIdentifier(channel)
        connecting[id] = channel
        channel.closeFuture.whenComplete { _ in
            self.assumeIsolated { $0.connecting[id] = nil }
        }
        let pipeline = channel.pipeline.syncOperations
        if let tls, let settings = configuration.tls {
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: settings.name(for: server)))
        }
        try pipeline.addHandlers([
            ByteToMessageHandler(ReplyDecoder(limit: machine.settings.replyLimit)), ConnectionHandler(client: self),
        ])
    }

    private func connectionAttempted(_ result: Result<any Channel, any Error>) {
        connecting.removeAll()
        guard let continuation = pendingConnection.take() else {
            // The attempt was abandoned.
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        if case .success(let channel) = result { opened(channel) }
        continuation.resume(with: result)
    }

    private func abandonConnectionAttempt() {
        lifecycle = .stopping
        guard let continuation = pendingConnection.take() else { return }
        for channel in connecting.values { channel.close(promise: nil) }
        continuation.resume(throwing: CancellationError())
    }

    /// The error in words that name the cause and the remedy.
    static func explain(_ error: any Error) -> String {
        switch error {
        case let error as ZooKeeperError:
            return error.message
        case let error as NIOConnectionError:
            // A name may have addresses of one family only. The look-up of the other one then fails, too.
            if error.connectionErrors.isEmpty { return unknownHost }
            return error.connectionErrors.map { explain($0.error) }.joined(separator: "; ")
        case is SocketAddressError:
            return unknownHost
        case ChannelError.connectTimeout:
            return "no connection came about in time; is there a firewall, or is the address wrong?"
        case let error as IOError:
            // The description of `IOError` says "connection reset" for a refused connection too.
            return "\(Errno(rawValue: error.errnoCode))"
        case NIOSSLError.uncleanShutdown:
            return "the server closed the connection"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return "the server's certificate names another host; connect by a name in it, or set serverName"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return explain(tls: TLSReason.name(in: "\(error)"))
        case let error as FrameDecoder.Violation:
            return "\(error); is this the client port of a ZooKeeper, and without TLS?"
        default:
            return "the connection failed (\(type(of: error)))"
        }
    }

    private static let unknownHost = "the host name can't be resolved; check its spelling, and the DNS of this machine"

    /// - Parameter name: The name of BoringSSL's reason.
    private static func explain(tls name: Substring) -> String {
        switch name {
        case "CERTIFICATE_VERIFY_FAILED":
            "the server's certificate is not from an authority that is trusted, or has expired; check caFile"
        case "":
            "TLS failed; does the port expect TLS, and does the server trust the client's certificate?"
        default:
            "TLS: \(TLSReason.words(for: name)); does the port expect TLS, and does the server trust the client's "
                + "certificate?"
        }
    }
}
