package import NIOCore

/// A session over the connections that carry it, without any I/O: bytes and the time go in, actions come out.
///
/// It follows `ClientCnxn` of Apache ZooKeeper: the answers of one connection come in the order of the requests;
/// whatever was under way when a connection ends has an unknown outcome; the session itself outlives the connection,
/// but not for ever.
package struct SessionStateMachine<Completion> {
    package typealias Answer = Result<ByteBuffer, ZooKeeperError>
    package typealias Failure = (completion: Completion, error: ZooKeeperError)

    package struct Settings: Sendable {
        /// What the client asks for; the ensemble clamps it to 2 to 20 of its ticks.
        package var requestedTimeout: TimeAmount = .seconds(30)
        /// How many requests may be on the wire at once; the others wait their turn.
        package var pipelineDepth = 256
        /// How many requests may be on the wire and wait together; more are refused.
        package var maximumOutstanding = 16_384
        /// The longest reply that is taken, in bytes. Longer ones come as `ReplyFrame.oversized`.
        package var replyLimit = 64 << 20
        /// Sent on every connection before anything else.
        package var credentials: [Credential] = []

        package init() {}
    }

    struct Request {
        var operation: Operation
        var path: String?
        var completion: Completion?
    }

    struct InFlight {
        var xid: Int32
        var path: String?
        var completion: Completion?
    }

    enum Phase: Equatable {
        case disconnected
        case handshaking
        /// The session stands, and the server still looks at `pending` credentials.
        case authenticating(pending: Int, isResumed: Bool)
        case established
        case closing(deadline: NIODeadline)
    }

    let settings: Settings
    var phase = Phase.disconnected
    var sessionID: Int64 = 0
    var password = ByteBuffer(repeating: 0, count: 16)
    /// The last transaction that the client has seen. A server that is behind it refuses the client, without a word.
    var lastZxid: Int64 = 0
    var nextXid: Int32 = 1
    var timeout: TimeAmount
    var lastSent = NIODeadline.uptimeNanoseconds(0)
    var lastReceived = NIODeadline.uptimeNanoseconds(0)
    /// When an ensemble last spoke that knew the session, or ended it.
    var lastHeard = NIODeadline.uptimeNanoseconds(0)
    /// Why the requests that wait can't be sent, when it is not for want of a connection.
    var refusal: ZooKeeperError?
    var inFlight = CircularBuffer<InFlight>()
    var waiting = CircularBuffer<Request>()

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
    package mutating func connectionClosed(reason: String) -> [Failure] {
        let message = "there is no connection to the ensemble: \(reason)"
        return end(unsent: refusal ?? ZooKeeperError(.connectionLoss, message: message))
    }

    /// The client stops: whom to tell. Nothing may be submitted after this.
    package mutating func stopped() -> [Failure] {
        end(unsent: ZooKeeperError(.closed))
    }

    private mutating func end(unsent: ZooKeeperError) -> [Failure] {
        phase = .disconnected
        refusal = nil
        var failed: [Failure] = []
        for request in inFlight {
            guard let completion = request.completion else { continue }
            failed.append((completion, ZooKeeperError(.connectionLoss, path: request.path)))
        }
        for request in waiting {
            guard let completion = request.completion else { continue }
            failed.append((completion, ZooKeeperError(unsent.code, path: request.path, message: unsent.message)))
        }
        inFlight.removeAll()
        waiting.removeAll()
        return failed
    }
}
