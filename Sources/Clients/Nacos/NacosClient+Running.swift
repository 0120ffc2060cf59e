internal import Addressing
internal import Concurrency
internal import GRPC
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension NacosClient {
    /// Keeps a connection to one of the servers until the task is cancelled.
    ///
    /// - Precondition: It is called once for each client.
    package func run() async {
        precondition(lifecycle == .notStarted, "NacosClient.run() was called twice; a client runs once")
        lifecycle = .running
        await withDiscardingTaskGroup { group in
            group.addTask { await self.renewCredentials() }
            group.addTask { await self.followAddressServer() }
            await serve()
            group.cancelAll()
        }
        lifecycle = .stopped
        handle { machine, _ in machine.connectionClosed(reason: "the client was stopped") }
        stopTimer()
        finishEvents()
    }

    private func serve() async {
        var random = SystemRandomNumberGenerator()
        if configuration.addressServer == nil { schedule.set(configuration.servers, using: &random) }
        // A reason is published once until a connection works or another reason comes.
        var published: String?
        while !Task.isCancelled {
            guard let (server, notBefore) = schedule.choose() else {
                // Only an address server can change that.
                await pause(.milliseconds(500))
                continue
            }
            if notBefore > now { await pause(notBefore - now) }
            if Task.isCancelled { return }
            readySince = nil
            let reason = await connectAndServe(server)
            if Task.isCancelled { return }
            let text = "\(server): \(reason)"
            if readySince != nil || text != published { publish(.disconnected(reason: text)) }
            published = text
            logger.debug("disconnected", metadata: ["server": "\(server)", "reason": "\(reason)"])
            schedule.failed(server, lasted: readySince.map { now - $0 }, now: now)
        }
    }

    func pause(_ duration: Duration) async {
        try? await Task.sleep(for: duration)
    }

    /// - Returns: Why the connection ended or the attempt failed.
    private func connectAndServe(_ server: NacosServer) async -> String {
        closeReason = nil
        do {
            let http = try await makeHTTP()
            try await takeCredentials(server)
            let version = await version(of: server, http)
            if let version, version.hasPrefix("1.") { return await serveHTTP(server, version, http) }
            return try await serveGRPC(server, version)
        } catch {
            return explain(error)
        }
    }

    /// An HTTP client of its own for each connection where there is TLS: a certificate may have been rotated.
    func makeHTTP() async throws -> HTTPExchange {
        if configuration.tls == nil, let http { return http }
        let made = try await NIOThreadPool.singleton.runIfActive { [configuration, eventLoop] in
            try HTTPExchange(configuration, eventLoop)
        }
        http = made
        return made
    }

    /// - Returns: `nil` where the server doesn't tell in a second.
    private func version(of server: NacosServer, _ http: HTTPExchange) async -> String? {
        try? await http.version(of: server, within: min(.seconds(1), configuration.requestTimeout))
    }
}

// MARK: - gRPC

extension NacosClient {
    private func serveGRPC(_ server: NacosServer, _ version: String?) async throws -> String {
        let connection = try await connect(to: server)
        if Task.isCancelled {
            connection.channel.close(promise: nil)
            return "the client was stopped"
        }
        let closed = eventLoop.makePromise(of: (reason: String, isOfTLS: Bool)?.self)
        connection.observe { reason in
            self.assumeIsolated { $0.handle { machine, _ in machine.drop("the server goes away (\(reason))") } }
        } onClose: { error in
            closed.succeed(error.map { (explain($0), isFailureOfTLS($0)) })
        }
        wire = Wire(connection: connection)
        handle { $0.connectionOpened(server, version: version, now: $1) }
        let failure = await withTaskCancellationHandler {
            (try? await closed.futureResult.get()) ?? nil
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.close("the client was stopped") } }
        }
        // Without TLS the first call fails, too, and only says that the connection ended.
        let refusal = failure?.isOfTLS == true ? failure?.reason : nil
        let reason = refusal ?? closeReason ?? failure?.reason ?? "the server closed the connection"
        wire = nil
        handle { machine, _ in machine.connectionClosed(reason: reason) }
        return reason
    }

    private func connect(to server: NacosServer) async throws -> GRPCConnection {
        let tls = try await tlsContext(for: server.address.host)
        var settings = GRPCConnection.Settings()
        settings.messageLimit = configuration.replyLimit
        settings.connectTimeout = TimeAmount(configuration.requestTimeout)
        return try await GRPCConnection.connect(
            host: server.address.host, port: server.grpcPort, tls: tls, on: eventLoop, settings: settings
        ).get()
    }

    private func tlsContext(for host: String) async throws -> (context: NIOSSLContext, serverName: String?)? {
        guard let tls = configuration.tls else { return nil }
        // Reading files blocks, and this actor runs on an event loop.
        let context = try await NIOThreadPool.singleton.runIfActive { try tls.makeContext() }
        return (context, tls.name(for: host))
    }
}
