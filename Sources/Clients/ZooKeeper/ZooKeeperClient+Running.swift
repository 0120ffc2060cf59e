public import Logging
public import NIOCore
public import NIOPosix

extension ZooKeeperClient {
    /// Runs a client for as long as `body` takes. Then it ends the session, so that the server deletes its ephemeral
    /// znodes at once.
    ///
    /// `body` may make requests at once: they wait for the first connection attempt.
    /// - Returns: The result of `body`.
    /// - Throws: The error of `body`.
    public static func withClient<Value>(
        _ connectionString: ConnectionString, configuration: Configuration = Configuration(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "zookeeper", factory: { _ in SwiftLogNoOpLogHandler() }),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ZooKeeperClient) async throws -> Value
    ) async throws -> Value {
        let client = ZooKeeperClient(
            connectionString, configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        await client.begin()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.serve() }
            defer { group.cancelAll() }
            return try await body(client)
        }
    }

    /// Keeps a session with the ensemble until the task is cancelled.
    ///
    /// Then it ends the session, so that the server deletes its ephemeral znodes at once, and returns. It returns at
    /// once when there is no connection, and within 2 s when the server does not reply.
    /// - Precondition: It is called once for each client.
    public func run() async {
        begin()
        await serve()
    }

    /// From now on requests wait for a connection.
    private func begin() {
        precondition(lifecycle == .notStarted, "ZooKeeperClient.run() was called twice; a client runs once")
        lifecycle = .running
    }

    private func serve() async {
        while !Task.isCancelled, let server = schedule.nextServer(of: connectionString.servers) {
            let before = state
            let reason = await connectAndServe(server)
            if Task.isCancelled { break }
            // The consumer knows that the session has expired. The new session follows at once, without a delay.
            if state == .expired, before != .expired { continue }
            publish(.disconnected(reason: reason))
            logger.debug("disconnected", metadata: ["server": "\(server)", "reason": "\(reason)"])
            try? await Task.sleep(for: schedule.failed(now: .now()))
        }
        lifecycle = .stopped
        timer?.cancel()
        fail(machine.stopped())
        finishEvents()
    }

    /// - Returns: Why the connection ended or the attempt failed.
    private func connectAndServe(_ server: ConnectionString.Server) async -> String {
        closeReason = nil
        hadSession = false
        self.server = server
        do {
            let channel = try await connect(to: server)
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                eventLoop.execute { self.assumeIsolated { $0.closeGracefully() } }
            }
            if let reason = closeReason?.text { return reason }
            if hadSession { return "\(server) closed the connection" }
            return
                "\(server) closed the connection before a session began, as a ZooKeeper does that is starting, wants TLS, "
                + "or has too many connections of this machine (maxClientCnxns), and as another program does"
        } catch is CancellationError {
            return "the client was stopped"
        } catch {
            let reason = "\(server): \(Self.explain(error))"
            fail(machine.connectionClosed(reason: reason, cause: error))
            return reason
        }
    }

    private func closeGracefully() {
        lifecycle = .stopping
        guard let channel else { return }
        guard let frame = machine.close(now: .now()) else {
            channel.close(promise: nil)
            return
        }
        // The server closes the connection after it has ended the session. The machine's deadline bounds the wait.
        channel.writeAndFlush(frame, promise: nil)
        rearmTimer()
    }

    func failed(_ error: ZooKeeperError) -> Outcome {
        Outcome(answer: .failure(error), sequence: framesReceived)
    }

    func fail(_ requests: [SessionStateMachine<Completion>.Failure]) {
        for request in requests { request.completion.resume(returning: failed(request.error)) }
    }
}
