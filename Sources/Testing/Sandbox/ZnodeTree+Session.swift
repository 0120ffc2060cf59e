package import NIOCore
package import ZooKeeper

extension ZnodeTree {
    struct Session: Sendable {
        var password: ByteBuffer
        var timeout: TimeAmount
        var deadline: NIODeadline
        var ephemerals: Set<String> = []
    }

    /// The id and the password of a new session.
    package struct Credential: Sendable {
        package var id: Int64
        /// 16 bytes.
        package var password: ByteBuffer

        package init(id: Int64, password: ByteBuffer) {
            self.id = id
            self.password = password
        }
    }

    /// Starts a session, or lets one go on over a new connection; its watches ended with the old one.
    ///
    /// - Parameter credential: What the session is called if it is a new one.
    /// - Returns: The answer. Its timeout is 0 when the session has expired or the password is wrong. `nil` when the
    ///   client has seen a later state than this: it has to find another server, and gets no answer.
    package mutating func connect(
        _ request: ConnectRequest, credential: Credential, now: NIODeadline
    ) -> ConnectResponse? {
        guard request.lastZxidSeen <= zxid else { return nil }
        let ticks = settings.sessionTicks
        let timeout = max(
            min(.milliseconds(Int64(request.timeout)), settings.tick * ticks.upperBound),
            settings.tick * ticks.lowerBound)
        let granted: Credential
        if request.sessionID == 0 {
            granted = credential
            zxid += 1
            sessions[granted.id] = Session(password: granted.password, timeout: timeout, deadline: now + timeout)
        } else if let known = sessions[request.sessionID], known.password == request.password {
            granted = Credential(id: request.sessionID, password: known.password)
            detachSession(granted.id)
            sessions[granted.id]?.timeout = timeout
            sessions[granted.id]?.deadline = now + timeout
        } else {
            return ConnectResponse(
                timeout: 0, sessionID: 0, password: ByteBuffer(repeating: 0, count: 16), readOnly: false)
        }
        return ConnectResponse(
            timeout: Int32(clamping: timeout.nanoseconds / 1_000_000), sessionID: granted.id,
            password: granted.password, readOnly: false)
    }

    /// Its client was heard of.
    package mutating func touchSession(_ id: Int64, now: NIODeadline) {
        guard let timeout = sessions[id]?.timeout else { return }
        sessions[id]?.deadline = now + timeout
    }

    package mutating func touchAllSessions(now: NIODeadline) {
        for id in sessions.keys { touchSession(id, now: now) }
    }

    /// Its connection ended. The session stays until its time is over; its watches go.
    package mutating func detachSession(_ id: Int64) {
        dataWatches.removeAll(of: id)
        childWatches.removeAll(of: id)
    }

    /// When the next session expires, if none is heard of before.
    package var deadline: NIODeadline? {
        sessions.values.map(\.deadline).min()
    }

    /// Ends the sessions whose time is over.
    package mutating func expireSessions(now: NIODeadline) -> (ended: [Int64], notifications: [Notification]) {
        let ended = sessions.filter { $0.value.deadline <= now }.keys.sorted()
        var notifications: [Notification] = []
        for id in ended { notifications += endSession(id) }
        return (ended, notifications)
    }

    /// Ends a session, and with it the znodes that it owns.
    package mutating func endSession(_ id: Int64) -> [Notification] {
        guard let session = sessions[id] else { return [] }
        zxid += 1
        var notifications: [Notification] = []
        for path in session.ephemerals.sorted() { notifications += remove(path, ownedBy: id) }
        sessions[id] = nil
        detachSession(id)
        return notifications
    }
}
