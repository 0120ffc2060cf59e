package import NIOCore

extension SessionStateMachine {
    package enum ReceiveAction {
        /// Nothing to do.
        case none
        /// The session is established; the credentials go out before any request.
        case authenticate(send: [ByteBuffer])
        case established(sessionID: Int64, timeout: TimeAmount, isResumed: Bool, send: [ByteBuffer])
        /// The ensemble has ended the session. The server closes the connection; the next one starts a new session.
        case expired
        /// The reply to a request. The completion is `nil` when nobody waits for it.
        case complete(Completion?, Answer, send: ByteBuffer?)
        case event(WatchEvent)
        /// A watch event above the limit was skipped.
        case eventLost
        /// The server breaks the protocol or refuses the client. The owner closes the connection.
        case drop(reason: String)
    }

    package mutating func received(_ frame: ReplyFrame, now: NIODeadline) -> ReceiveAction {
        switch frame {
        case .whole(let frame): received(frame, now: now)
        case .oversized(let header, let length): received(header, ofFrameOf: length, now: now)
        }
    }

    /// Bytes arrived, with or without a complete frame. A long reply over a slow link keeps the connection alive.
    package mutating func bytesArrived(now: NIODeadline) {
        switch phase {
        // The reply to the handshake fits into one packet, so bytes without a frame do not extend its deadline.
        case .disconnected, .handshaking: break
        case .authenticating, .established, .closing:
            lastReceived = now
            lastHeard = now
        }
    }

    mutating func received(_ frame: ByteBuffer, now: NIODeadline) -> ReceiveAction {
        lastReceived = now
        var frame = frame
        do throws(JuteError) {
            switch phase {
            case .disconnected:
                return .none
            case .handshaking:
                return handshake(try ConnectResponse(reading: &frame), now: now)
            case .authenticating, .established, .closing:
                lastHeard = now
                return try message(&frame, now: now)
            }
        } catch {
            return .drop(reason: "a message of the server can't be decoded: \(error)")
        }
    }

    private mutating func handshake(_ response: ConnectResponse, now: NIODeadline) -> ReceiveAction {
        guard response.timeout > 0, response.sessionID != 0 else {
            guard sessionID != 0 else { return .drop(reason: "the server refused to start a session") }
            lastHeard = now
            forgetSession()
            return .expired
        }
        lastHeard = now
        let isResumed = response.sessionID == sessionID
        sessionID = response.sessionID
        password = response.password
        timeout = .milliseconds(Int64(response.timeout))
        guard !settings.credentials.isEmpty else { return establish(isResumed: isResumed, now: now) }
        phase = .authenticating(pending: settings.credentials.count, isResumed: isResumed)
        lastSent = now
        return .authenticate(send: settings.credentials.map(\.frame))
    }

    private mutating func establish(isResumed: Bool, now: NIODeadline) -> ReceiveAction {
        phase = .established
        var send: [ByteBuffer] = []
        while let frame = sendNext(now: now) { send.append(frame) }
        return .established(sessionID: sessionID, timeout: timeout, isResumed: isResumed, send: send)
    }

    private mutating func message(_ frame: inout ByteBuffer, now: NIODeadline) throws(JuteError) -> ReceiveAction {
        let header = try ReplyHeader(reading: &frame)
        let isRefused = ZooKeeperError.Code(rawValue: header.error) == .requiresSASL
        if isRefused { refusal = ZooKeeperError(.requiresSASL) }
        switch header.xid {
        case ReservedXid.notification:
            return try WatchEvent(reading: &frame).map { .event($0) } ?? .none
        case ReservedXid.ping:
            // An ensemble that requires SASL refuses the ping of a client that makes no request.
            return isRefused ? .drop(reason: ZooKeeperError(.requiresSASL).message) : .none
        case ReservedXid.auth:
            return authenticated(error: header.error, now: now)
        default:
            return answer(header, .success(frame), now: now)
        }
    }

    private mutating func received(
        _ header: ReplyHeader, ofFrameOf length: Int, now: NIODeadline
    ) -> ReceiveAction {
        bytesArrived(now: now)
        switch (phase, header.xid) {
        case (.disconnected, _):
            return .none
        case (.handshaking, _), (_, ReservedXid.ping), (_, ReservedXid.auth):
            return .drop(reason: "the server sends a message of \(length) bytes where a short one is expected")
        case (_, ReservedXid.notification):
            return .eventLost
        default:
            let message =
                "the reply has \(length) bytes and was skipped, since the limit is \(settings.replyLimit); "
                + "raise replyLimit to read it"
            return answer(header, .failure(ZooKeeperError(.replyTooLarge, message: message)), now: now)
        }
    }

    /// The server replies to the credentials in their order.
    private mutating func authenticated(error: Int32, now: NIODeadline) -> ReceiveAction {
        guard case .authenticating(let pending, let isResumed) = phase else { return .none }
        guard error == 0 else {
            let index = settings.credentials.count - pending
            let reason = "the server refused the \(settings.credentials[index])"
            refusal = ZooKeeperError(.authFailed, message: reason)
            return .drop(reason: reason)
        }
        guard pending == 1 else {
            phase = .authenticating(pending: pending - 1, isResumed: isResumed)
            return .none
        }
        return establish(isResumed: isResumed, now: now)
    }

    private mutating func answer(_ header: ReplyHeader, _ body: Answer, now: NIODeadline) -> ReceiveAction {
        guard let request = inFlight.first, request.xid == header.xid else {
            let expected = inFlight.first.map { "the reply to \($0.xid) is expected" } ?? "no reply is expected"
            return .drop(reason: "the server replies to request \(header.xid), and \(expected)")
        }
        inFlight.removeFirst()
        if header.zxid > 0 { lastZxid = header.zxid }
        let answer: Answer =
            header.error == 0
            ? body.mapError { $0.at(request.path) }
            : .failure(ZooKeeperError(.init(rawValue: header.error), path: request.path))
        return .complete(request.completion, answer, send: sendNext(now: now))
    }

    mutating func forgetSession() {
        sessionID = 0
        password = ByteBuffer(repeating: 0, count: 16)
        phase = .disconnected
    }
}
