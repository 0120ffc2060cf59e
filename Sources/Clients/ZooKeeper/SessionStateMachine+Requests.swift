package import NIOCore

extension SessionStateMachine {
    package enum SubmitAction {
        case send(ByteBuffer)
        /// It is sent when the session stands and there is room on the wire.
        case wait
        case fail(Completion, ZooKeeperError)
    }

    /// - Parameter path: The path as the caller gave it, for errors.
    package mutating func submit(
        _ operation: Operation, path: String?, completion: Completion, now: NIODeadline
    ) -> SubmitAction {
        if case .closing = phase { return .fail(completion, ZooKeeperError(.closed, path: path)) }
        guard inFlight.count + waiting.count < settings.maximumOutstanding else {
            let message = "\(settings.maximumOutstanding) requests are outstanding already (maximumOutstandingRequests)"
            return .fail(completion, ZooKeeperError(.tooManyRequests, path: path, message: message))
        }
        waiting.append(Request(operation: operation, path: path, completion: completion))
        return sendNext(now: now).map { .send($0) } ?? .wait
    }

    /// Asks the server to end the session; `nil` when there is none to end. It closes the connection after that.
    package mutating func close(now: NIODeadline) -> ByteBuffer? {
        switch phase {
        case .disconnected, .handshaking, .closing:
            return nil
        case .authenticating, .established:
            phase = .closing(deadline: now + min(readTimeout, .seconds(2)))
            return send(Request(operation: .closeSession, path: nil, completion: nil), now: now)
        }
    }

    mutating func sendNext(now: NIODeadline) -> ByteBuffer? {
        guard phase == .established, inFlight.count < settings.pipelineDepth, let request = waiting.popFirst() else {
            return nil
        }
        return send(request, now: now)
    }

    private mutating func send(_ request: Request, now: NIODeadline) -> ByteBuffer {
        let xid = nextXid
        nextXid = nextXid == .max ? 1 : nextXid + 1
        inFlight.append(InFlight(xid: xid, path: request.path, completion: request.completion))
        lastSent = now
        return request.operation.frame(xid: xid)
    }
}
