package import NIOCore

extension SessionStateMachine {
    /// How long the server may be silent before the connection is given up: two thirds of the session.
    var readTimeout: TimeAmount { .nanoseconds(timeout.nanoseconds / 3 * 2) }

    /// How long an answer to the handshake may take. A server that is starting takes connections and lets them wait, so
    /// that it is better to try again soon than to wait for as long as an established session would.
    private var handshakeTimeout: TimeAmount { min(readTimeout, .seconds(5)) }

    /// How long the client may be silent before it pings: half of that, and never above ten seconds.
    private var pingInterval: TimeAmount { min(.nanoseconds(readTimeout.nanoseconds / 2), .seconds(10)) }

    /// When a session without a connection is given up: four thirds of its timeout after the ensemble was last heard.
    ///
    /// By then an ensemble that is well has ended it. One that was wiped, or restored from a backup, is behind the last
    /// transaction that the client has seen and closes every connection without a word, so nothing else would ever
    /// tell; with the session goes that transaction.
    private var sessionDeadline: NIODeadline? {
        guard sessionID != 0 || lastZxid != 0 else { return nil }
        return lastHeard + .nanoseconds(timeout.nanoseconds / 3 * 4)
    }

    package enum TimerAction {
        case none
        case ping(ByteBuffer)
        /// The session is given up. A connection that was to resume it is of no more use.
        case sessionLost
        case drop(reason: String)
    }

    /// When `timerFired` wants to be called next; `nil` for never.
    package var deadline: NIODeadline? {
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
            return now >= deadline ? .drop(reason: "the server did not answer the end of the session") : .none
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
