internal import Logging
internal import NIOCore
internal import NIOPosix

extension ZooKeeperClient {
    /// Keeps a session with the ensemble until the task is cancelled; then closes the session, so that its ephemeral
    /// znodes go at once, and returns. A client runs once.
    public func run() async {
        precondition(!isStopped, "a client runs once")
        while !Task.isCancelled, let server = attempt.nextServer(of: connectionString.servers) {
            let before = state
            let reason = await connectAndServe(server)
            if Task.isCancelled { break }
            // That the session expired has been said, and it is replaced at once; everything else waits its turn.
            if state == .expired, before != .expired { continue }
            publish(.disconnected(reason: reason))
            logger.debug("disconnected", metadata: ["server": "\(server)", "reason": "\(reason)"])
            try? await Task.sleep(for: attempt.failed())
        }
        fail(machine.connectionClosed(reason: "the client was stopped"))
        finishEvents()
    }

    /// - Returns: Why the connection ended, or why there was none.
    private func connectAndServe(_ server: ConnectionString.Server) async -> String {
        dropReason = nil
        self.server = server
        do {
            let share = configuration.sessionTimeout / max(connectionString.servers.count, 1)
            let channel = try await ClientBootstrap(group: eventLoop)
                .connectTimeout(TimeAmount(min(max(share, .seconds(1)), .seconds(10))))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers([
                            ByteToMessageHandler(FrameDecoder(limit: self.configuration.replyLimit)),
                            ConnectionHandler(client: self),
                        ])
                    }
                }
                .connect(host: server.host, port: server.port).get()
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                eventLoop.execute { self.assumeIsolated { $0.closeGracefully() } }
            }
            return dropReason ?? "\(server) closed the connection"
        } catch {
            fail(machine.connectionClosed(reason: "\(server): \(Self.explain(error))"))
            return "\(server): \(Self.explain(error))"
        }
    }

    private static func explain(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return "\(error)" }
        if let dns = error.dnsAError ?? error.dnsAAAAError { return "the name can't be resolved: \(dns)" }
        return error.connectionErrors.map { "\($0.error)" }.joined(separator: "; ")
    }

    private func closeGracefully() {
        guard let channel else { return }
        guard let frame = machine.close(now: .now()) else {
            channel.close(promise: nil)
            return
        }
        // The server closes once it has ended the session; the machine's read timeout bounds the wait.
        channel.writeAndFlush(frame, promise: nil)
        rearmTimer()
    }

    func drop(reason: String) {
        dropReason = dropReason ?? reason
        channel?.close(promise: nil)
    }

    func fail(_ requests: [(completion: Completion, error: ZooKeeperError)]) {
        for request in requests { request.completion.resume(returning: .failure(request.error)) }
    }
}

// MARK: - What the channel's handler says

extension ZooKeeperClient {
    func opened(_ channel: any Channel) {
        self.channel = channel
        channel.writeAndFlush(machine.connectionOpened(now: .now()), promise: nil)
        rearmTimer()
    }

    func closed() {
        channel = nil
        timer?.cancel()
        timer = nil
        fail(machine.connectionClosed(reason: dropReason ?? "the server closed the connection"))
    }

    func received(_ frame: ByteBuffer) {
        switch machine.received(frame, now: .now()) {
        case .none:
            break
        case .established(let id, let timeout, let isResumed, let frames):
            attempt.succeeded()
            rearmTimer()
            guard let server else { return }
            publish(
                .connected(
                    Session(id: id, timeout: .nanoseconds(timeout.nanoseconds), server: server, isResumed: isResumed)))
            logger.debug("connected", metadata: ["server": "\(server)", "session": "0x\(String(id, radix: 16))"])
            for frame in frames { write(frame) }
        case .expired:
            publish(.expired)
            drop(reason: "the session has expired")
        case .complete(let completion, let answer, let next):
            completion?.resume(returning: answer)
            if let next { write(next) }
        case .event(let event):
            publish(.changed(WatchEvent(kind: event.kind, path: withoutChroot(event.path))))
        case .drop(let reason):
            drop(reason: reason)
        }
    }

    /// Writes now and flushes once per turn of the event loop, so that a burst of requests is few system calls.
    func write(_ frame: ByteBuffer) {
        channel?.write(frame, promise: nil)
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        eventLoop.execute { self.assumeIsolated { $0.flush() } }
    }

    private func flush() {
        flushIsScheduled = false
        channel?.flush()
    }

    private func rearmTimer() {
        timer?.cancel()
        timer = machine.deadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.timerFired() } }
        }
    }

    private func timerFired() {
        switch machine.timerFired(now: .now()) {
        case .none: break
        case .ping(let frame): channel?.writeAndFlush(frame, promise: nil)
        case .drop(let reason): drop(reason: reason)
        }
        if dropReason == nil { rearmTimer() }
    }
}

/// Hands what the channel says to the client, which runs on the same event loop.
private final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: ZooKeeperClient

    init(client: ZooKeeperClient) {
        self.client = client
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        client.assumeIsolated { $0.opened(channel) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        client.assumeIsolated { $0.received(frame) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        client.assumeIsolated { $0.closed() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = "\(error)"
        client.assumeIsolated { $0.drop(reason: reason) }
    }
}
