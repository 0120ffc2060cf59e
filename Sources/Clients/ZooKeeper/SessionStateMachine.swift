package import NIOCore

/// A session over the connections that carry it, without any I/O: bytes and the time go in, actions come out.
///
/// It follows `ClientCnxn` of Apache ZooKeeper. The replies of one connection arrive in the order of the requests. The
/// outcome of a request is unknown when its connection ends before the reply. The session outlives a connection until
/// its timeout.
package struct SessionStateMachine<Completion> {
    package typealias Answer = Result<ByteBuffer, ZooKeeperError>
    package typealias Failure = (completion: Completion, error: ZooKeeperError)

    package struct Settings: Sendable {
        /// The session timeout that the client asks for. The ensemble limits it to 2 to 20 of its ticks.
        package var requestedTimeout: TimeAmount = .seconds(30)
        /// The largest number of requests on the wire.
        package var pipelineDepth = 256
        /// The largest number of requests on the wire and waiting. The machine refuses more.
        package var maximumOutstanding = 16_384
        /// The longest accepted reply in bytes. A longer one arrives as `ReplyFrame.oversized`.
        package var replyLimit = 64 << 20
        /// The time from the submission of a request to its reply; `nil` for no limit.
        package var requestTimeout: TimeAmount?
        /// The credentials to send on every connection before any request.
        package var credentials: [Credential] = []

        package init() {}
    }

    /// A request on the wire.
    struct InFlight {
        var id: UInt64
        var xid: Int32
        var path: String?
        var isWrite: Bool
        var deadline: NIODeadline?
        /// `nil` when nobody waits for the reply: the request was cancelled, timed out or ends the session. It keeps
        /// its place until the reply arrives, because the server replies in order.
        var completion: Completion?
    }

    enum Phase: Equatable {
        case disconnected
        case handshaking
        /// The session is established, and the server has yet to accept `pending` credentials.
        case authenticating(pending: Int, isResumed: Bool)
        case established
        case closing(deadline: NIODeadline)
    }

    let settings: Settings
    var phase = Phase.disconnected
    var sessionID: Int64 = 0
    var password = ByteBuffer(repeating: 0, count: 16)
    /// The last transaction that the client has seen. A server that is behind it closes the connection without a reply.
    var lastZxid: Int64 = 0
    var nextXid: Int32 = 1
    /// The negotiated session timeout, or the requested one before the first handshake.
    var timeout: TimeAmount
    var lastSent = NIODeadline.uptimeNanoseconds(0)
    var lastReceived = NIODeadline.uptimeNanoseconds(0)
    /// When a server last replied that knew the session, or ended it.
    var lastHeard = NIODeadline.uptimeNanoseconds(0)
    /// Why the server refuses this client; `nil` when it doesn't.
    package var refusal: ZooKeeperError?
    var inFlight = CircularBuffer<InFlight>()
    var waiting = WaitingRequests<Completion>()

    package init(settings: Settings) {
        self.settings = settings
        timeout = settings.requestedTimeout
    }
}

// MARK: - The connection

extension SessionStateMachine {
    /// A connection was opened.
    /// - Returns: The handshake, which the client sends first.
    package mutating func connectionOpened(now: NIODeadline) -> ByteBuffer {
        phase = .handshaking
        lastSent = now
        lastReceived = now
        return ConnectRequest(
            lastZxidSeen: lastZxid, timeout: Int32(clamping: settings.requestedTimeout.nanoseconds / 1_000_000),
            sessionID: sessionID, password: password, readOnly: false
        ).frame
    }

    /// The connection ended, or an attempt failed. The waiting requests fail too, so that nobody waits for an ensemble
    /// that may not come back.
    /// - Returns: The failed requests.
    package mutating func connectionClosed(reason: String, cause: (any Error)? = nil) -> [Failure] {
        let message = "there is no connection to the ensemble: \(reason)"
        return end(
            unsent: refusal ?? ZooKeeperError(.connectionLoss, message: message, cause: cause), cause: cause)
    }

    /// The client stops. The owner submits nothing after this.
    /// - Returns: The failed requests.
    package mutating func stopped() -> [Failure] {
        end(unsent: ZooKeeperError(.closed), cause: nil)
    }

    private mutating func end(unsent: ZooKeeperError, cause: (any Error)?) -> [Failure] {
        phase = .disconnected
        refusal = nil
        var failed: [Failure] = []
        for request in inFlight {
            guard let completion = request.completion else { continue }
            let error = ZooKeeperError(
                .connectionLoss, path: request.path, isOutcomeUnknown: request.isWrite, cause: cause)
            failed.append((completion, error))
        }
        inFlight.removeAll()
        while let request = waiting.popFirst() { failed.append((request.completion, unsent.at(request.path))) }
        return failed
    }
}
