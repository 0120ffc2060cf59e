package import NIOCore

/// One entry of a znode's access control list: a set of permissions for one identity
/// (`org.apache.zookeeper.data.ACL`).
///
/// A list applies to its own znode only; children do not inherit it. The ZooKeeper programmer's guide describes the
/// schemes in "ZooKeeper access control using ACLs".
public struct ACL: Hashable, Sendable, CustomStringConvertible {
    /// A set of permissions (`ZooDefs.Perms`).
    public struct Permissions: OptionSet, Hashable, Sendable {
        public var rawValue: Int32

        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// Read the data and list the children.
        public static let read = Permissions(rawValue: 1)
        /// Set the data.
        public static let write = Permissions(rawValue: 2)
        /// Create children.
        public static let create = Permissions(rawValue: 4)
        /// Delete children.
        public static let delete = Permissions(rawValue: 8)
        /// Set the access control list.
        public static let admin = Permissions(rawValue: 16)
        /// All five permissions.
        public static let all: Permissions = [.read, .write, .create, .delete, .admin]
    }

    public var permissions: Permissions
    /// The authentication scheme, such as `world`, `auth`, `digest`, `ip`, `x509` or `sasl`.
    public var scheme: String
    /// The identity in the form that the scheme defines: `anyone`, `user:hash`, `10.0.0.0/8`, the subject of a
    /// certificate.
    public var id: String

    public init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }

    /// An entry for every client, authenticated or not (`world:anyone`).
    public static func anyone(_ permissions: Permissions) -> ACL {
        ACL(permissions, scheme: "world", id: "anyone")
    }

    /// An entry for every identity that this client has authenticated (`auth:`).
    ///
    /// The server replaces it by one entry for each identity. A client without a credential gets `invalidACL`.
    public static func creator(_ permissions: Permissions) -> ACL {
        ACL(permissions, scheme: "auth", id: "")
    }

    public var description: String { "\(scheme):\(id):\(permissions.rawValue)" }
}

extension [ACL] {
    /// Every client may do everything. This is ZooKeeper's default (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
    public static var open: [ACL] { [.anyone(.all)] }
    /// Every client may read (`ZooDefs.Ids.READ_ACL_UNSAFE`).
    public static var readOnly: [ACL] { [.anyone(.read)] }
    /// Only the creator may do anything (`ZooDefs.Ids.CREATOR_ALL_ACL`). The client needs a credential.
    public static var creatorOnly: [ACL] { [.creator(.all)] }
}

extension ByteBuffer {
    /// The smallest encoding of one entry in bytes: an int and two lengths.
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
