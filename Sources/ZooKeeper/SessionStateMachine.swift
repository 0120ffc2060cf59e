package import NIOCore

/// A session over the connections that carry it, without any I/O: bytes and the time go in, actions come out.
///
/// It follows `ClientCnxn` of Apache ZooKeeper: the answers of one connection come in the order of the requests;
/// whatever was under way when a connection ends has an unknown outcome; the session itself outlives the connection.
package struct SessionStateMachine<Completion> {
    package typealias Answer = Result<ByteBuffer, ZooKeeperError>

    package struct Settings: Sendable {
        /// What the client asks for; the ensemble clamps it to 2 to 20 of its ticks.
        package var requestedTimeout: TimeAmount = .seconds(30)
        /// How many requests may be on the wire at once; the others wait their turn.
        package var pipelineDepth = 256

        package init() {}
    }

    struct Request {
        var operation: Operation
        var path: String?
        var completion: Completion?
    }

    private struct InFlight {
        var xid: Int32
        var path: String?
        var completion: Completion?
    }

    private enum Phase: Equatable {
        case disconnected
        case handshaking
        case established
        case closing
    }

    private let settings: Settings
    private var phase = Phase.disconnected
    private var sessionID: Int64 = 0
    private var password = ByteBuffer(repeating: 0, count: 16)
    private var lastZxid: Int64 = 0
    private var nextXid: Int32 = 1
    private var timeout: TimeAmount
    private var lastSent = NIODeadline.uptimeNanoseconds(0)
    private var lastReceived = NIODeadline.uptimeNanoseconds(0)
    private var inFlight = CircularBuffer<InFlight>()
    private var waiting = CircularBuffer<Request>()

    package init(settings: Settings) {
        self.settings = settings
        timeout = settings.requestedTimeout
    }
}

// MARK: - The connection

extension SessionStateMachine {
    /// The connection stands: what to send first.
    package mutating func connectionOpened(now: NIODeadline) -> ByteBuffer {
        phase = .handshaking
        lastSent = now
        lastReceived = now
        return ConnectRequest(
            lastZxidSeen: lastZxid, timeout: Int32(clamping: settings.requestedTimeout.nanoseconds / 1_000_000),
            sessionID: sessionID, password: password, readOnly: false
        ).frame
    }

    /// The connection ended or could not be made: whom to tell. Requests that were never sent are failed too, so that
    /// nobody waits for an ensemble that may not come back.
    package mutating func connectionClosed(reason: String) -> [(completion: Completion, error: ZooKeeperError)] {
        phase = .disconnected
        var failed: [(completion: Completion, error: ZooKeeperError)] = []
        for request in inFlight {
            guard let completion = request.completion else { continue }
            failed.append((completion, ZooKeeperError(.connectionLoss, path: request.path)))
        }
        for request in waiting {
            guard let completion = request.completion else { continue }
            let message = "there is no connection to the ensemble: \(reason)"
            failed.append((completion, ZooKeeperError(.connectionLoss, path: request.path, message: message)))
        }
        inFlight.removeAll()
        waiting.removeAll()
        return failed
    }

    package enum ReceiveAction {
        /// Nothing to do.
        case none
        case established(sessionID: Int64, timeout: TimeAmount, isResumed: Bool, send: [ByteBuffer])
        /// The ensemble has forgotten the session. The server closes; the next connection starts a new one.
        case expired
        case complete(Completion?, Answer, send: ByteBuffer?)
        case event(WatchEvent)
        /// The peer breaks the protocol: the connection is of no more use.
        case drop(reason: String)
    }

    package mutating func received(_ frame: ByteBuffer, now: NIODeadline) -> ReceiveAction {
        lastReceived = now
        var frame = frame
        do throws(JuteError) {
            switch phase {
            case .disconnected: return .none
            case .handshaking: return handshake(try ConnectResponse(reading: &frame), now: now)
            case .established, .closing: return try answer(&frame, now: now)
            }
        } catch {
            return .drop(reason: "the server's message can't be read: \(error)")
        }
    }

    private mutating func handshake(_ response: ConnectResponse, now: NIODeadline) -> ReceiveAction {
        guard response.timeout > 0, response.sessionID != 0 else {
            guard sessionID != 0 else { return .drop(reason: "the server refuses to start a session") }
            sessionID = 0
            password = ByteBuffer(repeating: 0, count: 16)
            phase = .disconnected
            return .expired
        }
        let isResumed = response.sessionID == sessionID
        sessionID = response.sessionID
        password = response.password
        timeout = .milliseconds(Int64(response.timeout))
        phase = .established
        var send: [ByteBuffer] = []
        while let frame = sendNext(now: now) { send.append(frame) }
        return .established(sessionID: sessionID, timeout: timeout, isResumed: isResumed, send: send)
    }

    private mutating func answer(_ frame: inout ByteBuffer, now: NIODeadline) throws(JuteError) -> ReceiveAction {
        let header = try ReplyHeader(reading: &frame)
        switch header.xid {
        case ReservedXid.notification:
            return try WatchEvent(reading: &frame).map { .event($0) } ?? .none
        case ReservedXid.ping:
            return .none
        default:
            break
        }
        guard let request = inFlight.first, request.xid == header.xid else {
            let expected = inFlight.first.map { "\($0.xid) was expected" } ?? "nothing was asked"
            return .drop(reason: "the server answered request \(header.xid) where \(expected)")
        }
        inFlight.removeFirst()
        if header.zxid > 0 { lastZxid = header.zxid }
        let answer: Answer =
            header.error == 0
            ? .success(frame)
            : .failure(ZooKeeperError(.init(rawValue: header.error), path: request.path))
        return .complete(request.completion, answer, send: sendNext(now: now))
    }
}

// MARK: - Requests

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
        if phase == .closing { return .fail(completion, ZooKeeperError(.closed, path: path)) }
        waiting.append(Request(operation: operation, path: path, completion: completion))
        return sendNext(now: now).map { .send($0) } ?? .wait
    }

    /// Asks the server to end the session; `nil` when there is none to end. It closes the connection after that.
    package mutating func close(now: NIODeadline) -> ByteBuffer? {
        guard phase == .established else { return nil }
        phase = .closing
        return send(Request(operation: .closeSession, path: nil, completion: nil), now: now)
    }

    private mutating func sendNext(now: NIODeadline) -> ByteBuffer? {
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

// MARK: - Time

extension SessionStateMachine {
    /// How long the server may be silent before the connection is given up: two thirds of the session.
    private var readTimeout: TimeAmount { .nanoseconds(timeout.nanoseconds / 3 * 2) }

    /// How long the client may be silent before it pings: half of that, and never above ten seconds.
    private var pingInterval: TimeAmount { min(.nanoseconds(readTimeout.nanoseconds / 2), .seconds(10)) }

    package enum TimerAction {
        case none
        case ping(ByteBuffer)
        case drop(reason: String)
    }

    /// When `timerFired` wants to be called next; `nil` while there is no connection.
    package var deadline: NIODeadline? {
        switch phase {
        case .disconnected: nil
        case .handshaking, .closing: lastReceived + readTimeout
        case .established: min(lastReceived + readTimeout, lastSent + pingInterval)
        }
    }

    package mutating func timerFired(now: NIODeadline) -> TimerAction {
        guard phase != .disconnected else { return .none }
        if now >= lastReceived + readTimeout {
            return .drop(reason: "the server has been silent for \(readTimeout.nanoseconds / 1_000_000) ms")
        }
        guard phase == .established, now >= lastSent + pingInterval else { return .none }
        lastSent = now
        return .ping(
            .zooKeeperFrame { buffer in
                buffer.writeInteger(ReservedXid.ping)
                buffer.writeInteger(OpCode.ping.rawValue)
            })
    }
}
