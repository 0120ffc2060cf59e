/// The access control list and the metadata of a znode.
public struct ZnodeACL: Hashable, Sendable {
    public var acl: [ACL]
    public var stat: Stat
}

extension ZooKeeperClient {
    /// Reads the access control list of a znode.
    ///
    /// A server shows the hash of a password only to clients with the permission `read` or `admin` on the znode.
    /// - Throws: `ZooKeeperError`, with code `noNode` when there is no such znode.
    public func acl(of path: String) async throws(ZooKeeperError) -> ZnodeACL {
        try await perform(.getACL(path: try absolute(path)), path) { (reply) throws(JuteError) in
            ZnodeACL(acl: try reply.readJuteACL(), stat: try Stat(reading: &reply))
        }
    }

    /// Replaces the access control list of a znode.
    ///
    /// - Parameters:
    ///   - acl: The whole new list; not empty.
    ///   - version: The `aclVersion` that the znode must have; −1 for any.
    /// - Throws: `ZooKeeperError`, with code `badVersion`, `invalidACL` or `noNode` among others.
    @discardableResult
    public func setACL(
        of path: String, to acl: [ACL], version: Int32 = -1
    ) async throws(ZooKeeperError) -> Stat {
        let operation = Operation.setACL(path: try absolute(path), acl: acl, version: version)
        return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
    }
}
