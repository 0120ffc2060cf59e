internal import Logging
internal import NIOCore

/// What the channel says, and what the machine makes of it.
extension ZooKeeperClient {
    /// Of several addresses' channels only the one that the bootstrap chose comes here.
    func opened(_ channel: any Channel) {
        self.channel = channel
        // What was given up while there was no connection is no fault of this one.
        dropReason = nil
        channel.writeAndFlush(machine.connectionOpened(now: .now()), promise: nil)
        rearmTimer()
    }

    func closed(_ channel: any Channel) {
        guard self.channel === channel else { return }
        self.channel = nil
        fail(machine.connectionClosed(reason: dropReason ?? "the server closed the connection"))
        rearmTimer()
    }

    func received(_ frame: ReplyFrame) {
        // Whatever follows what made the connection useless means nothing, and with TLS it takes a while to close.
        guard dropReason == nil else { return }
        framesReceived += 1
        switch machine.received(frame, now: .now()) {
        case .none:
            break
        case .authenticate(let frames):
            for frame in frames { write(frame) }
        case .established(let id, let timeout, let isResumed, let frames):
            attempt.sessionEstablished(now: .now())
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
            logger.warning("a watch event is longer than replyLimit and was passed over")
            publish(.overflowed)
        case .drop(let reason):
            dropUseless(reason: reason)
        }
    }

    func bytesArrived() {
        machine.bytesArrived(now: .now())
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

    func drop(reason: String) {
        dropReason = dropReason ?? reason
        channel?.close(promise: nil)
    }

    /// As `drop`, when the server broke the protocol or refused the client.
    func dropUseless(reason: String) {
        attempt.connectionProvedUseless()
        drop(reason: reason)
    }

    func rearmTimer() {
        timer?.cancel()
        timer = machine.deadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.timerFired() } }
        }
    }

    private func timerFired() {
        switch machine.timerFired(now: .now()) {
        case .none:
            break
        case .ping(let frame):
            channel?.writeAndFlush(frame, promise: nil)
        case .sessionLost:
            publish(.expired)
            drop(reason: "the session was lost: no server took it up within four thirds of its timeout")
            return
        case .drop(let reason):
            drop(reason: reason)
            return
        }
        rearmTimer()
    }
}

/// Hands what the channel says to the client, which runs on the same event loop.
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
        client.assumeIsolated { isViolation ? $0.dropUseless(reason: reason) : $0.drop(reason: reason) }
        context.close(promise: nil)
    }
}
