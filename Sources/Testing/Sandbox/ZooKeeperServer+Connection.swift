internal import NIOCore
internal import ZooKeeper

extension ZooKeeperServer {
    struct Connection {
        let channel: any Channel
        var session: Int64?
        /// The bytes that arrived while the server was paused, or the client slow to read. Nothing more is read
        /// meanwhile, so this is at most what one read brought.
        var held = CircularBuffer<ByteBuffer>()
    }

    func opened(_ id: Int, _ channel: any Channel) {
        guard !refusesConnections else {
            channel.close(promise: nil)
            return
        }
        connections[id] = Connection(channel: channel)
        updateReading(id)
    }

    func closed(_ id: Int) {
        guard let session = connections.removeValue(forKey: id)?.session, attached[session] == id else { return }
        attached[session] = nil
        tree.detachSession(session)
    }

    func received(_ frame: ByteBuffer, on id: Int) {
        guard connections[id] != nil else { return }
        guard answers(id), connections[id]?.held.isEmpty == true else {
            connections[id]?.held.append(frame)
            return
        }
        answer(frame, on: id)
    }

    func flush(_ id: Int) {
        guard let channel = connections[id]?.channel else { return }
        channel.flush()
    }

    /// Serves what is held for as long as the client keeps up, and reads on when nothing is left.
    func proceed(_ id: Int) {
        while answers(id), let frame = connections[id]?.held.popFirst() { answer(frame, on: id) }
        flush(id)
        updateReading(id)
    }

    private func answers(_ id: Int) -> Bool {
        !isPaused && connections[id]?.channel.isWritable == true
    }

    func updateReading(_ id: Int) {
        guard let channel = connections[id]?.channel else { return }
        // A channel that refuses has just closed, and reads nothing anyway.
        try? channel.syncOptions?.setOption(.autoRead, value: answers(id))
    }
}

// MARK: - One frame

extension ZooKeeperServer {
    private func answer(_ frame: ByteBuffer, on id: Int) {
        var frame = frame
        do throws(JuteError) {
            guard let session = connections[id]?.session else {
                connect(try ConnectRequest(reading: &frame), on: id)
                return
            }
            tree.touchSession(session, now: .now())
            try answer(try RequestHeader(reading: &frame), &frame, of: session, on: id)
        } catch {
            // Without a header there is nothing to answer to.
            close(id)
        }
    }

    private func connect(_ request: ConnectRequest, on id: Int) {
        var random = SystemRandomNumberGenerator()
        let credential = ZnodeTree.Credential(
            id: .random(in: 1...Int64.max, using: &random),
            password: ByteBuffer(bytes: (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }))
        guard let response = tree.connect(request, credential: credential, now: .now()) else {
            close(id)
            return
        }
        write(response.frame, to: id)
        guard response.sessionID != 0 else {
            close(id)
            return
        }
        // A client that comes back before its old connection is known to be dead.
        if let old = attached.updateValue(id, forKey: response.sessionID), old != id { close(old) }
        connections[id]?.session = response.sessionID
        rearmExpiry()
    }

    private func answer(
        _ header: RequestHeader, _ body: inout ByteBuffer, of session: Int64, on id: Int
    ) throws(JuteError) {
        guard let code = OpCode(rawValue: header.type) else {
            // A server answers an unknown request so (`UnimplementedRequestProcessor`).
            reply(.failure(ZooKeeperError(.unimplemented)), to: header, on: id)
            close(id)
            return
        }
        if code == .auth {
            try authenticate(header, &body, on: id)
            return
        }
        let operation: Operation?
        do throws(JuteError) {
            operation = try Operation(reading: &body, code: code)
        } catch {
            reply(.failure(ZooKeeperError(.marshallingError)), to: header, on: id)
            return
        }
        guard let operation else {
            reply(.success(.done), to: header, on: id)
            return
        }
        operationCount += 1
        let outcome = tree.perform(operation, session: session, now: .now())
        notify(outcome.notifications)
        reply(outcome.result, to: header, on: id)
        if code == .closeSession || outcome.result.isFailure(.unimplemented) { close(id) }
    }

    /// Every name and password of the scheme `digest` is taken, and no other scheme is known.
    private func authenticate(_ header: RequestHeader, _ body: inout ByteBuffer, on id: Int) throws(JuteError) {
        _ = try body.readJuteInt()
        let isKnown = try body.readJuteString() == "digest"
        reply(isKnown ? .success(.done) : .failure(ZooKeeperError(.authFailed)), to: header, on: id)
        if !isKnown { close(id) }
    }

    private func reply(_ result: Result<ZnodeTree.Reply, ZooKeeperError>, to header: RequestHeader, on id: Int) {
        let frame = ByteBuffer.zooKeeperFrame { buffer in
            switch result {
            case .success(let reply):
                ReplyHeader(xid: header.xid, zxid: tree.zxid, error: 0).write(to: &buffer)
                reply.write(to: &buffer, code: OpCode(rawValue: header.type))
            case .failure(let error):
                ReplyHeader(xid: header.xid, zxid: tree.zxid, error: error.code.rawValue).write(to: &buffer)
            }
        }
        write(frame, to: id)
    }

    private func write(_ frame: ByteBuffer, to id: Int) {
        guard let channel = connections[id]?.channel else { return }
        channel.write(frame, promise: nil)
    }

    func notify(_ notifications: [ZnodeTree.Notification]) {
        for notification in notifications {
            guard let id = attached[notification.session], let channel = connections[id]?.channel else { continue }
            channel.writeAndFlush(notification.event.frame, promise: nil)
            guard !channel.isWritable else { continue }
            // A client that reads no more loses its connection, rather than the server its memory.
            let pending = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
            if pending > 64 << 20 { close(id) }
        }
    }

    /// Closes the connection, after what was written to it. The session stays.
    func close(_ id: Int) {
        guard let connection = connections[id] else { return }
        closed(id)
        connection.channel.flush()
        connection.channel.close(promise: nil)
    }
}

extension Result where Failure == ZooKeeperError {
    fileprivate func isFailure(_ code: ZooKeeperError.Code) -> Bool {
        if case .failure(let error) = self { error.code == code } else { false }
    }
}
