public import NIOCore

/// The data and the metadata of a znode.
public struct ZnodeData: Hashable, Sendable {
    public var data: ByteBuffer
    public var stat: Stat

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        data = try buffer.readJuteBuffer() ?? ByteBuffer()
        stat = try Stat(reading: &buffer)
    }
}

/// A list of children with the number of its reply.
public struct SequencedChildren: Hashable, Sendable {
    /// The names of the children in no order; `nil` when there is no such znode.
    public var children: [String]?
    /// The number of the reply among all frames that the client received, over all connections. Compare it with
    /// `WatchEvent.sequence`.
    public var sequence: UInt64
}

/// Requests. They follow the requests of the same names in the Java client (`org.apache.zookeeper.ZooKeeper`).
///
/// Each request throws `ZooKeeperError` with the path as the caller gave it. All requests have these codes:
/// - `notRunning` before `run()` has begun, `closed` after its task was cancelled;
/// - `cancelled` when the task of the request is cancelled: the wait ends at once;
/// - `requestTimeout` after `Configuration.requestTimeout`;
/// - `connectionLoss` when the connection ends before the reply, or when there is none;
/// - `invalidInput` for a path that is not valid;
/// - `tooManyRequests` above `Configuration.maximumOutstandingRequests`;
/// - `replyTooLarge` above `Configuration.replyLimit`;
/// - `malformedReply`, `authFailed` and the codes of the server.
///
/// `isOutcomeUnknown` says of a failed write whether it may have taken effect. The client never repeats a request.
///
/// The server carries out the requests of one task in their order. The requests of several tasks share the connection
/// and may be outstanding together.
extension ZooKeeperClient {
    /// Lists the children of a znode.
    /// - Parameter watch: Whether to set a one-shot watch, which reports when a child is created or deleted or the
    ///   znode is deleted.
    /// - Returns: The names of the children, in no order.
    /// - Throws: `ZooKeeperError`, with code `noNode` when there is no such znode. Then no watch is set.
    public func children(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> [String] {
        try await perform(.getChildren(path: try absolute(path), watch: watch), path) { (reply) throws(JuteError) in
            try reply.readJuteStrings()
        }
    }

    /// Lists the children of a znode and tells which watch events are older than the list.
    ///
    /// An event with a lower `sequence` than the list is older than the list: the list shows its change. A consumer
    /// that reads while events wait in its buffer has to ignore those
    /// (<doc:ZooKeeper#The-order-of-events-and-replies>).
    /// - Parameter watch: As in `children(of:watch:)`.
    /// - Returns: The list. A missing znode is a result too: `children` is `nil`.
    /// - Throws: `ZooKeeperError`.
    public func childrenInSequence(
        of path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> SequencedChildren {
        let operation = Operation.getChildren(path: try absolute(path), watch: watch)
        let (result, sequence) = await performInSequence(operation, path) { (reply) throws(JuteError) in
            try reply.readJuteStrings()
        }
        if case .failure(let error) = result, error.code == .noNode {
            return SequencedChildren(children: nil, sequence: sequence)
        }
        return SequencedChildren(children: try result.get(), sequence: sequence)
    }

    /// Lists the children of a znode and reads its metadata at the same moment.
    /// - Parameter watch: As in `children(of:watch:)`.
    /// - Throws: `ZooKeeperError`, with code `noNode` when there is no such znode.
    public func childrenAndStat(
        of path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> (children: [String], stat: Stat) {
        let operation = Operation.getChildrenAndStat(path: try absolute(path), watch: watch)
        return try await perform(operation, path) { (reply) throws(JuteError) in
            (children: try reply.readJuteStrings(), stat: try Stat(reading: &reply))
        }
    }

    /// Reads the data and the metadata of a znode.
    /// - Parameter watch: Whether to set a one-shot watch, which reports when the data changes or the znode is deleted.
    /// - Throws: `ZooKeeperError`, with code `noNode` when there is no such znode. Then no watch is set.
    public func data(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> ZnodeData {
        try await perform(.getData(path: try absolute(path), watch: watch), path) { (reply) throws(JuteError) in
            try ZnodeData(reading: &reply)
        }
    }

    /// Reads the metadata of a znode.
    /// - Parameter watch: Whether to set a one-shot watch, which reports when the znode is created or deleted or its
    ///   data changes. The watch is set for a missing znode too.
    /// - Returns: `nil` when there is no such znode.
    /// - Throws: `ZooKeeperError`.
    public func exists(_ path: String, watch: Bool = false) async throws(ZooKeeperError) -> Stat? {
        do throws(ZooKeeperError) {
            let operation = Operation.exists(path: try absolute(path), watch: watch)
            return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
        } catch  where error.code == .noNode {
            return nil
        }
    }

    /// Creates a znode. Its parent must exist.
    ///
    /// When the outcome is unknown, a sequential znode may exist whose name nobody knows.
    /// - Parameters:
    ///   - data: The server's `jute.maxbuffer` limits the whole request, 1 MiB by default; a larger request costs the
    ///     connection.
    ///   - acl: The access control list of the znode; not empty.
    /// - Returns: The path of the znode. For a sequential znode it ends with the number.
    /// - Throws: `ZooKeeperError`, with code `nodeExists`, `noNode` for a missing parent or `noChildrenForEphemerals`
    ///   among others.
    @discardableResult
    public func create(
        _ path: String, data: ByteBuffer = ByteBuffer(), mode: CreateMode = .persistent, acl: [ACL] = .open
    ) async throws(ZooKeeperError) -> String {
        try mode.validate(for: path)
        // The name of a sequential znode may be its number alone.
        let target = try absolute(path, isPrefix: mode.isSequential)
        let operation = Operation.create(path: target, data: data, mode: mode, acl: acl)
        let created = try await perform(operation, path) { (reply) throws(JuteError) in try reply.readJutePath() }
        return withoutChroot(created)
    }

    /// Creates a persistent znode and its missing ancestors. Each is a request of its own; existing ones are unchanged.
    /// - Throws: `ZooKeeperError`. Some of the ancestors may have been created.
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

    /// Replaces the data of a znode.
    /// - Parameter version: The version that the data must have; −1 for any.
    /// - Returns: The metadata after the change.
    /// - Throws: `ZooKeeperError`, with code `noNode` or `badVersion` among others.
    @discardableResult
    public func setData(
        of path: String, to data: ByteBuffer, version: Int32 = -1
    ) async throws(ZooKeeperError) -> Stat {
        let operation = Operation.setData(path: try absolute(path), data: data, version: version)
        return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
    }

    /// Deletes a znode without children.
    /// - Parameter version: The version that the data must have; −1 for any.
    /// - Throws: `ZooKeeperError`, with code `noNode`, `badVersion` or `notEmpty` among others.
    public func delete(_ path: String, version: Int32 = -1) async throws(ZooKeeperError) {
        try await perform(.delete(path: try absolute(path), version: version), path) { (_) throws(JuteError) in }
    }

    /// Makes the server catch up with the leader. The reads after it see every write that was complete before it.
    /// - Throws: `ZooKeeperError`.
    public func sync(_ path: String) async throws(ZooKeeperError) {
        try await perform(.sync(path: try absolute(path)), path) { (_) throws(JuteError) in }
    }
}
