/// What a znode's access control list says.
public struct ZnodeACL: Hashable, Sendable {
    public var acl: [ACL]
    public var stat: Stat
}

extension ZooKeeperClient {
    /// Who may do what with the znode. A server shows the hash of a password only to those who may read or administrate
    /// it.
    public func acl(of path: String) async throws(ZooKeeperError) -> ZnodeACL {
        try await perform(.getACL(path: try absolute(path)), path) { (reply) throws(JuteError) in
            ZnodeACL(acl: try reply.readJuteACL(), stat: try Stat(reading: &reply))
        }
    }

    /// - Parameters:
    ///   - acl: Replaces the whole list; not empty.
    ///   - version: The `aclVersion` that the znode must have; −1 for any.
    @discardableResult
    public func setACL(
        of path: String, to acl: [ACL], version: Int32 = -1
    ) async throws(ZooKeeperError) -> Stat {
        let operation = Operation.setACL(path: try absolute(path), acl: acl, version: version)
        return try await perform(operation, path) { (reply) throws(JuteError) in try Stat(reading: &reply) }
    }
}
