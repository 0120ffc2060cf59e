internal import Logging
internal import NIOCore

/// The connection between the channel and the state machine.
extension ZooKeeperClient {
    /// The connection attempt succeeded. A host with several addresses may have had several channels; this is the one
    /// that the bootstrap chose.
    func opened(_ channel: any Channel) {
        self.channel = channel
        // A reason from the time without a connection, such as a lost session, does not concern this connection.
        closeReason = nil
        channel.writeAndFlush(machine.connectionOpened(now: .now()), promise: nil)
        rearmTimer()
    }

    func closed(_ channel: any Channel) {
        guard self.channel === channel else { return }
        self.channel = nil
        if closeReason == nil, let refusal = machine.refusal {
            schedule.connectionProvedUseless()
            closeReason = (refusal.message, nil)
        }
        let reason = closeReason?.text ?? "the server closed the connection"
        fail(machine.connectionClosed(reason: reason, cause: closeReason?.cause))
        rearmTimer()
    }

    func received(_ frame: ReplyFrame) {
        // The client ignores what arrives after its decision to close. With TLS the close takes a while.
        guard closeReason == nil else { return }
        framesReceived += 1
        switch machine.received(frame, now: .now()) {
        case .none:
            break
        case .authenticate(let frames):
            for frame in frames { write(frame) }
        case .established(let id, let timeout, let isResumed, let frames):
            schedule.sessionEstablished(now: .now())
            hadSession = true
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
            completion?.resume(returning: Outcome(answer: answer, sequence: framesReceived))
            if let next { write(next) }
        case .event(let event):
            publish(
                .changed(
                    WatchEvent(kind: event.kind, path: withoutChroot(event.path), sequence: framesReceived)))
        case .eventLost:
            logger.warning("watch event skipped: it is longer than replyLimit")
            publish(.overflowed)
        case .drop(let reason):
            dropUseless(reason: reason)
        }
    }

    func bytesArrived() {
        machine.bytesArrived(now: .now())
    }

    /// Writes a frame. One flush per turn of the event loop sends all of them, so a burst costs few system calls.
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

    /// Closes the connection. The first reason counts.
    func drop(reason: String, cause: (any Error)? = nil) {
        closeReason = closeReason ?? (reason, cause)
        channel?.close(promise: nil)
    }

    /// Closes the connection because the server broke the protocol or refused the client.
    func dropUseless(reason: String, cause: (any Error)? = nil) {
        schedule.connectionProvedUseless()
        drop(reason: reason, cause: cause)
    }
}

// MARK: - The timer

extension ZooKeeperClient {
    func rearmTimer() {
        timer?.cancel()
        timerDeadline = machine.deadline
        timer = timerDeadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.timerFired() } }
        }
    }

    /// Sets the timer again when the machine's deadline is earlier than the timer's.
    func rearmTimerIfLate() {
        guard let deadline = machine.deadline, deadline < timerDeadline ?? .distantFuture else { return }
        rearmTimer()
    }

    private func timerFired() {
        let now = NIODeadline.now()
        fail(machine.expireRequests(now: now))
        switch machine.timerFired(now: now) {
        case .none:
            break
        case .ping(let frame):
            channel?.writeAndFlush(frame, promise: nil)
        case .sessionLost:
            publish(.expired)
            drop(reason: "the session was lost: no server resumed it within four thirds of its timeout")
        case .drop(let reason):
            drop(reason: reason)
            // The close sets the timer again.
            return
        }
        rearmTimer()
    }
}

/// Hands the events of the channel to the client, which runs on the same event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ReplyFrame

    private let client: ZooKeeperClient

    init(client: ZooKeeperClient) {
        self.client = client
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        client.assumeIsolated { $0.received(frame) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        client.assumeIsolated { $0.bytesArrived() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let channel = context.channel
        client.assumeIsolated { $0.closed(channel) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = ZooKeeperClient.explain(error)
        let isViolation = error is FrameDecoder.Violation
        client.assumeIsolated { client in
            if isViolation {
                client.dropUseless(reason: reason, cause: error)
            } else {
                client.drop(reason: reason, cause: error)
            }
        }
        context.close(promise: nil)
    }
}
