package import NIOCore
package import ZooKeeper

// MARK: - Requests from within

extension ZooKeeperServer {
    /// Carries out a request as if a client had made it, whose session owns and watches nothing.
    ///
    /// - Throws: What the server would answer.
    @discardableResult
    package func perform(_ operation: Operation) throws(ZooKeeperError) -> ZnodeTree.Reply {
        let outcome = tree.perform(operation, session: nil, now: .now())
        notify(outcome.notifications)
        return try outcome.result.get()
    }

    /// Makes a persistent znode, and the parents that it lacks. One that exists keeps what it has.
    ///
    /// - Throws: `ZooKeeperError`, such as `invalidInput` for a path that can't be.
    package func makePath(_ path: String, data: ByteBuffer = ByteBuffer()) throws(ZooKeeperError) {
        try ZnodePath.validate(path)
        var end = path.startIndex
        while end < path.endIndex {
            end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
            let part = String(path[..<end])
            guard tree.stat(at: part) == nil else { continue }
            try perform(.create(path: part, data: part == path ? data : ByteBuffer(), mode: .persistent))
        }
    }
}

// MARK: - Faults

extension ZooKeeperServer {
    /// Cuts every connection, as a network does that fails for a moment. The sessions stay.
    package func dropConnections() {
        for id in connections.keys.sorted() { close(id) }
    }

    /// From now on a connection is cut as soon as it is made, or is not any more. Those that stand are left alone.
    package func refuseConnections(_ isRefusing: Bool = true) {
        refusesConnections = isRefusing
    }

    /// Ends a session as if its time were over: the znodes that it owns go, and its connection.
    package func expireSession(_ id: Int64) {
        notify(tree.endSession(id))
        if let connection = attached[id] { close(connection) }
    }

    /// Has every read of `path` fail with this error from now on; `nil` ends that.
    package func refuse(path: String, error: ZooKeeperError.Code?) {
        tree.refuse(path, error: error)
    }

    /// Leaves everything unanswered, until `resume()`. Connections are still accepted, and no session expires.
    package func pause() {
        isPaused = true
        for id in connections.keys { updateReading(id) }
    }

    /// Answers what came in since `pause()`. All sessions have their whole time before them.
    package func resume() {
        isPaused = false
        tree.touchAllSessions(now: .now())
        rearmExpiry()
        for id in connections.keys.sorted() { proceed(id) }
    }
}

// MARK: - Expiry

extension ZooKeeperServer {
    func rearmExpiry() {
        expiry?.cancel()
        expiry = tree.deadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.expireSessions() } }
        }
    }

    private func expireSessions() {
        guard !isPaused else { return }
        let (ended, notifications) = tree.expireSessions(now: .now())
        notify(notifications)
        for session in ended {
            if let id = attached[session] { close(id) }
        }
        rearmExpiry()
    }
}
