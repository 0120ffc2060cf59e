public import NIOCore

/// What a znode held, and what ZooKeeper knows of it.
public struct ZnodeData: Hashable, Sendable {
    public var data: ByteBuffer
    public var stat: Stat
}

/// Requests. Each throws `ZooKeeperError` with the path it named: `connectionLoss` when the connection ended first, `closed`
/// when the client has stopped, `invalidInput` for a path that can't be, and the server's own codes.
///
/// Requests of one task go out in order and are answered in order; those of several tasks share the connection, so
/// many may be under way at once. Cancelling a task doesn't call a request back; the answer is awaited.
extension ZooKeeperClient {
    /// The names of the children, in no order.
    /// - Parameter watch: Whether to tell once, by an event, when a child comes or goes or the znode itself goes.
    public func children(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> [String] {
        try await perform(.getChildren(path: try absolute(path), watch: watch), path) { (reply) throws(JuteError) in
            try reply.readJuteStrings()
        }
    }

    /// - Parameter watch: Whether to tell once when the data changes or the znode goes.
    public func data(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> ZnodeData {
        try await perform(.getData(path: try absolute(path), watch: watch), path) { (reply) throws(JuteError) in
            ZnodeData(data: try reply.readJuteBuffer() ?? ByteBuffer(), stat: try Stat(reading: &reply))
        }
    }

    /// What ZooKeeper knows of the znode, or `nil` when there is none.
    /// - Parameter watch: Whether to tell once when the znode comes, goes or changes its data.
    public func exists(_ path: String, watch: Bool = false) async throws(ZooKeeperError) -> Stat? {
        do throws(ZooKeeperError) {
            let operation = Operation.exists(path: try absolute(path), watch: watch)
            return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
        } catch  where error.code == .noNode {
            return nil
        }
    }

    /// Makes a znode that everyone may read and change.
    /// - Returns: The path it got, which for a sequential znode has its number at the end.
    @discardableResult
    public func create(
        _ path: String, data: ByteBuffer = ByteBuffer(), mode: CreateMode = .persistent
    ) async throws(ZooKeeperError) -> String {
        let operation = Operation.create(path: try absolute(path), data: data, mode: mode)
        let created = try await perform(operation, path) { (reply) throws(JuteError) in try reply.readJutePath() }
        return withoutChroot(created)
    }

    /// Makes a persistent znode and those above it, as far as they are missing.
    public func ensurePath(_ path: String) async throws(ZooKeeperError) {
        try ZnodePath.validate(path)
        var prefix = ""
        for segment in path.split(separator: "/") {
            prefix += "/" + segment
            do throws(ZooKeeperError) {
                try await create(prefix)
            } catch {
                if error.code != .nodeExists { throw error }
            }
        }
    }

    /// - Parameter version: The version that the data must have; −1 for any.
    @discardableResult
    public func setData(
        of path: String, to data: ByteBuffer, version: Int32 = -1
    ) async throws(ZooKeeperError) -> Stat {
        let operation = Operation.setData(path: try absolute(path), data: data, version: version)
        return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
    }

    /// - Parameter version: The version that the data must have; −1 for any.
    public func delete(_ path: String, version: Int32 = -1) async throws(ZooKeeperError) {
        try await perform(.delete(path: try absolute(path), version: version), path) { (_) throws(JuteError) in }
    }

    /// Has the server catch up with the leader, so that what is read next is no older than this call.
    public func sync(_ path: String) async throws(ZooKeeperError) {
        try await perform(.sync(path: try absolute(path)), path) { (_) throws(JuteError) in }
    }

    /// Sets a watch that stays until the connection ends (3.6 and later). An older server answers `unimplemented` and
    /// closes the connection; one with another watch manager answers `marshallingError`.
    public func addWatch(_ path: String, mode: WatchMode) async throws(ZooKeeperError) {
        try await perform(.addWatch(path: try absolute(path), mode: mode), path) { (_) throws(JuteError) in }
    }

    private func perform<Reply: Sendable>(
        _ operation: Operation, _ path: String, decode: (inout ByteBuffer) throws(JuteError) -> Reply
    ) async throws(ZooKeeperError) -> Reply {
        var reply = try await answer(to: operation, path: path).get()
        do throws(JuteError) {
            return try decode(&reply)
        } catch {
            let reason = "the reply can't be read: \(error)"
            drop(reason: reason)
            throw ZooKeeperError(.malformedReply, path: path, message: reason)
        }
    }

    private func answer(to operation: Operation, path: String) async -> Result<ByteBuffer, ZooKeeperError> {
        guard !isStopped else { return .failure(ZooKeeperError(.closed, path: path)) }
        return await withCheckedContinuation { completion in
            switch machine.submit(operation, path: path, completion: completion, now: .now()) {
            case .send(let frame): write(frame)
            case .wait: break
            case .fail(let completion, let error): completion.resume(returning: .failure(error))
            }
        }
    }

    private nonisolated func absolute(_ path: String) throws(ZooKeeperError) -> String {
        try ZnodePath.validate(path)
        let chroot = connectionString.chroot
        return chroot.isEmpty ? path : path == "/" ? chroot : chroot + path
    }

    nonisolated func withoutChroot(_ path: String) -> String {
        let chroot = connectionString.chroot
        guard !chroot.isEmpty, path.utf8.starts(with: chroot.utf8) else { return path }
        let rest = path.utf8.dropFirst(chroot.utf8.count)
        return rest.isEmpty ? "/" : String(Substring(rest))
    }
}
