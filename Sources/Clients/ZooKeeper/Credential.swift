package import NIOCore

/// What a client proves itself with: sent on every connection before anything else (`AuthPacket`).
///
/// It crosses the wire as it is, so use TLS where the network is not trusted. It never appears in a description, an
/// error or a log.
public struct Credential: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The server's authentication provider, such as `digest`.
    public let scheme: String
    let secret: [UInt8]

    /// - Parameter secret: What the provider takes, as bytes.
    public init(scheme: String, secret: [UInt8]) {
        self.scheme = scheme
        self.secret = secret
    }

    /// A name and a password of ZooKeeper's own `digest` scheme.
    ///
    /// Such a credential is never refused: the server takes any pair, and an access control list either names it or
    /// doesn't, which then shows as `noAuth`.
    public static func digest(user: String, password: String) -> Credential {
        Credential(scheme: "digest", secret: Array("\(user):\(password)".utf8))
    }

    public var description: String { "\(scheme) credential" }
    public var customMirror: Mirror { Mirror(self, children: ["scheme": scheme]) }

    package var frame: ByteBuffer {
        .zooKeeperFrame { buffer in
            buffer.writeInteger(ReservedXid.auth)
            buffer.writeInteger(OpCode.auth.rawValue)
            buffer.writeInteger(0, as: Int32.self)
            buffer.writeJuteString(scheme)
            buffer.writeInteger(Int32(secret.count))
            buffer.writeBytes(secret)
        }
    }
}
