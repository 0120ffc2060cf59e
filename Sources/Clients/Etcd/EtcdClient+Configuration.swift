package import Addressing

extension EtcdClient {
    package struct Configuration: Sendable {
        package var servers: [HostPort]
        package var tls: TLS?
        /// `nil` for nobody.
        package var user: String?
        /// Reads the password anew for each login. It may block.
        package var password: @Sendable () throws -> String = { "" }
        /// For a request and its answer, and for an attempt to connect.
        package var requestTimeout = Duration.seconds(10)
        /// The longest accepted message in bytes. A server sends up to 1.5 MiB for each key.
        package var messageLimit = 64 << 20
        /// The keys of one page.
        package var pageSize: Int64 = 1_000
        /// How often a quiet connection is tried.
        package var probeInterval = Duration.seconds(15)
        /// What is read to try a connection.
        package var probeRange = EtcdKeyRange(prefix: "")

        package init(servers: [HostPort]) {
            self.servers = servers
        }
    }

    /// The certificates of connections. Files are read again for each one.
    package struct TLS: Sendable, Hashable {
        package var authorityFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        /// `nil` for the host of the connection.
        package var serverName: String?
        package var verifiesHostName = true

        package init() {}
    }
}
