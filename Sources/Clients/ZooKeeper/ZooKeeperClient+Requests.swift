public import NIOCore

/// What a znode held, and what ZooKeeper knows of it.
public struct ZnodeData: Hashable, Sendable {
    public var data: ByteBuffer
    public var stat: Stat

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        data = try buffer.readJuteBuffer() ?? ByteBuffer()
        stat = try Stat(reading: &buffer)
    }
}

/// Requests. Each throws `ZooKeeperError` with the path it named: `connectionLoss` when the connection ended first,
/// `closed` when the client has stopped, `invalidInput` for a path that can't be, `tooManyRequests` when too many are
/// outstanding, `authFailed` when a credential was refused, and the server's own codes.
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

    /// As `children(of:watch:)`, with the number of the reply. An event whose `sequence` is lower is older than the list,
    /// which shows what it tells of.
    /// - Returns: No children where there is no such znode, which is news with a number too.
    package func childrenInSequence(
        of path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> (children: [String]?, sequence: UInt64) {
        let operation = Operation.getChildren(path: try absolute(path), watch: watch)
        let (result, sequence) = await performInSequence(operation, path) { (reply) throws(JuteError) in
            try reply.readJuteStrings()
        }
        if case .failure(let error) = result, error.code == .noNode { return (nil, sequence) }
        return (try result.get(), sequence)
    }

    /// As `children(of:watch:)`, with what ZooKeeper knows of the parent at that moment.
    public func childrenAndStat(
        of path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> (children: [String], stat: Stat) {
        let operation = Operation.getChildrenAndStat(path: try absolute(path), watch: watch)
        return try await perform(operation, path) { (reply) throws(JuteError) in
            (children: try reply.readJuteStrings(), stat: try Stat(reading: &reply))
        }
    }

    /// - Parameter watch: Whether to tell once when the data changes or the znode goes.
    public func data(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> ZnodeData {
        try await perform(.getData(path: try absolute(path), watch: watch), path) { (reply) throws(JuteError) in
            try ZnodeData(reading: &reply)
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

    /// Makes a znode. Its parent must exist.
    ///
    /// When the connection is lost the outcome is unknown, so a sequential znode may exist that nobody knows the name
    /// of.
    /// - Parameters:
    ///   - data: At most what the server takes in one request, 1 MiB with everything around it (`jute.maxbuffer`); more
    ///     costs the connection.
    ///   - acl: Who may do what with it; not empty.
    /// - Returns: The path it got, which for a sequential znode has its number at the end.
    @discardableResult
    public func create(
        _ path: String, data: ByteBuffer = ByteBuffer(), mode: CreateMode = .persistent, acl: [ACL] = .open
    ) async throws(ZooKeeperError) -> String {
        try mode.validate(for: path)
        // A sequential znode's name may be its number alone.
        let target = try absolute(path, isPrefix: mode.isSequential)
        let operation = Operation.create(path: target, data: data, mode: mode, acl: acl)
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
}
