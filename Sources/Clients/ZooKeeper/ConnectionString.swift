/// The servers of an ensemble in the form of the Java client: `HOST:PORT,HOST:PORT/CHROOT` (`ConnectStringParser`).
///
/// - The port is 2181 where none is given.
/// - An IPv6 address has brackets: `[::1]:2181`.
/// - The chroot is the znode that the client takes for its root. It stands behind the last server, or behind every
///   server: `a:2181/x,b:2181/x`. A `/` at its end is ignored.
/// - There is no scheme, no user info and no query. Credentials belong into `ZooKeeperClient.Configuration`.
public struct ConnectionString: Hashable, Sendable, CustomStringConvertible {
    public struct Server: Hashable, Sendable, CustomStringConvertible {
        /// A host name or an IP address, without brackets.
        public var host: String
        /// From 1 to 65535.
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        public var description: String {
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// The client shuffles them once and tries one after the other.
    public var servers: [Server]
    /// The path of the znode that the client takes for its root, such as `/dubbo`; empty for the root itself.
    public var chroot: String

    /// The text with every port, which parses to an equal value.
    public var description: String {
        servers.map(\.description).joined(separator: ",") + chroot
    }

    /// - Throws: `ZooKeeperError` with code `invalidInput`. The message names the wrong part. It never contains user
    ///   info or a query, which may hold a password.
    public init(_ text: String) throws(ZooKeeperError) {
        do throws(ConnectionStringProblem) {
            self = try Self.parse(text)
        } catch {
            throw error.error(in: text)
        }
    }
}
