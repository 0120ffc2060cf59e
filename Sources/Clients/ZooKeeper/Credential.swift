package import NIOCore

/// An identity and its proof, which the client sends on every connection before any request (`AuthPacket`).
///
/// The secret crosses the wire as it is: use TLS on a network that is not trusted. The secret never appears in a
/// description, an error or a log.
public struct Credential: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The name of the server's authentication provider, such as `digest`.
    public let scheme: String
    let secret: [UInt8]

    /// - Parameters:
    ///   - scheme: The name of the server's authentication provider.
    ///   - secret: The bytes that the provider expects.
    public init(scheme: String, secret: [UInt8]) {
        self.scheme = scheme
        self.secret = secret
    }

    /// A user and a password of ZooKeeper's `digest` scheme.
    ///
    /// The server accepts every pair. A wrong password shows as `noAuth` on the znodes that need the right one.
    /// - Parameter user: Contains no `:`, which separates it from the password.
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
