package import NIOCore

extension SessionStateMachine {
    /// The machine drops a connection after this time of silence: two thirds of the session timeout.
    var readTimeout: TimeAmount { .nanoseconds(timeout.nanoseconds / 3 * 2) }

    /// The machine drops a connection when the handshake has no reply after this time, 5 s at most.
    ///
    /// A server that is starting accepts connections and does not reply. A new attempt soon is better than a long wait.
    private var handshakeTimeout: TimeAmount { min(readTimeout, .seconds(5)) }

    /// The client pings when it has sent nothing for this time: half the read timeout, 10 s at most.
    private var pingInterval: TimeAmount { min(.nanoseconds(readTimeout.nanoseconds / 2), .seconds(10)) }

    /// When the machine gives up a session without a connection: four thirds of its timeout after the last reply of the
    /// ensemble.
    ///
    /// A healthy ensemble has ended the session by then. An ensemble that was wiped or restored from a backup is behind
    /// the last transaction that the client has seen, and closes every connection without a reply. The machine forgets
    /// that transaction together with the session.
    private var sessionDeadline: NIODeadline? {
        guard sessionID != 0 || lastZxid != 0 else { return nil }
        return lastHeard + .nanoseconds(timeout.nanoseconds / 3 * 4)
    }

    package enum TimerAction {
        case none
        case ping(ByteBuffer)
        /// The machine has given up the session. The owner closes a connection that was to resume it.
        case sessionLost
        case drop(reason: String)
    }

    /// When the owner has to call `expireRequests` and `timerFired` next; `nil` for never.
    package var deadline: NIODeadline? {
        guard let requestDeadline else { return phaseDeadline }
        return min(requestDeadline, phaseDeadline ?? .distantFuture)
    }

    private var phaseDeadline: NIODeadline? {
        switch phase {
        case .disconnected: sessionDeadline
        case .handshaking: min(lastReceived + handshakeTimeout, sessionDeadline ?? .distantFuture)
        case .authenticating: lastReceived + readTimeout
        case .established: min(lastReceived + readTimeout, lastSent + pingInterval)
        case .closing(let deadline): deadline
        }
    }

    package mutating func timerFired(now: NIODeadline) -> TimerAction {
        switch phase {
        case .disconnected:
            return forgetLostSession(now: now)
        case .handshaking:
            if case .sessionLost = forgetLostSession(now: now) { return .sessionLost }
            return dropIfSilent(for: handshakeTimeout, now: now)
        case .authenticating:
            return dropIfSilent(for: readTimeout, now: now)
        case .closing(let deadline):
            return now >= deadline ? .drop(reason: "the server did not reply to the end of the session") : .none
        case .established:
            if case .drop(let reason) = dropIfSilent(for: readTimeout, now: now) { return .drop(reason: reason) }
            guard now >= lastSent + pingInterval else { return .none }
            lastSent = now
            return .ping(
                .zooKeeperFrame { buffer in
                    buffer.writeInteger(ReservedXid.ping)
                    buffer.writeInteger(OpCode.ping.rawValue)
                })
        }
    }

    private mutating func forgetLostSession(now: NIODeadline) -> TimerAction {
        guard let sessionDeadline, now >= sessionDeadline else { return .none }
        lastZxid = 0
        guard sessionID != 0 else { return .none }
        forgetSession()
        return .sessionLost
    }

    private func dropIfSilent(for limit: TimeAmount, now: NIODeadline) -> TimerAction {
        guard now >= lastReceived + limit else { return .none }
        return .drop(reason: "the server has been silent for \(limit.nanoseconds / 1_000_000) ms")
    }
}
