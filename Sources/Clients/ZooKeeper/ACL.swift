package import NIOCore

/// One entry of a znode's access control list: who may do what (`org.apache.zookeeper.data.ACL`).
///
/// A list counts for its own znode alone; children don't inherit it. See the ZooKeeper programmer's guide, "ZooKeeper
/// access control using ACLs".
public struct ACL: Hashable, Sendable, CustomStringConvertible {
    /// What may be done with a znode (`ZooDefs.Perms`).
    public struct Permissions: OptionSet, Hashable, Sendable {
        public var rawValue: Int32

        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// Read the data and list the children.
        public static let read = Permissions(rawValue: 1)
        /// Change the data.
        public static let write = Permissions(rawValue: 2)
        /// Create children.
        public static let create = Permissions(rawValue: 4)
        /// Delete children.
        public static let delete = Permissions(rawValue: 8)
        /// Change the access control list.
        public static let admin = Permissions(rawValue: 16)
        public static let all: Permissions = [.read, .write, .create, .delete, .admin]
    }

    public var permissions: Permissions
    /// How the one who asks was authenticated: `world`, `auth`, `digest`, `ip`, `x509`, `sasl`.
    public var scheme: String
    /// Whom it means, in the words of the scheme: `anyone`, `user:hash`, `10.0.0.0/8`, the subject of a certificate.
    public var id: String

    public init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }

    /// Everyone, authenticated or not.
    public static func anyone(_ permissions: Permissions) -> ACL {
        ACL(permissions, scheme: "world", id: "anyone")
    }

    /// Everybody that this client is authenticated as. The server writes their ids in its place; for a client without
    /// a credential it answers `invalidACL`.
    public static func creator(_ permissions: Permissions) -> ACL {
        ACL(permissions, scheme: "auth", id: "")
    }

    public var description: String { "\(scheme):\(id):\(permissions.rawValue)" }
}

extension [ACL] {
    /// Everyone may do everything, which is ZooKeeper's own default (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
    public static var open: [ACL] { [.anyone(.all)] }
    /// Everyone may read (`ZooDefs.Ids.READ_ACL_UNSAFE`).
    public static var readOnly: [ACL] { [.anyone(.read)] }
    /// Only who made it may do anything (`ZooDefs.Ids.CREATOR_ALL_ACL`); the client needs a credential.
    public static var creatorOnly: [ACL] { [.creator(.all)] }
}

extension ByteBuffer {
    /// The fewest bytes of one entry: an int and two lengths.
    private static let smallestACL = 12

    package mutating func readJuteACL() throws(JuteError) -> [ACL] {
        try readJuteVector(elementSize: Self.smallestACL) { (buffer) throws(JuteError) in
            let permissions = ACL.Permissions(rawValue: try buffer.readJuteInt())
            let scheme = try buffer.readJuteString() ?? ""
            return ACL(permissions, scheme: scheme, id: try buffer.readJuteString() ?? "")
        }
    }

    package mutating func writeJuteACL(_ acl: [ACL]) {
        writeInteger(Int32(acl.count))
        for entry in acl {
            writeInteger(entry.permissions.rawValue)
            writeJuteString(entry.scheme)
            writeJuteString(entry.id)
        }
    }
}
