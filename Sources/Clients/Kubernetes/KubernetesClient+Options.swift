extension KubernetesClient {
    /// Times and limits of a client.
    public struct Options: Sendable, Hashable {
        /// How long a connection may take, TLS included.
        public var connectTimeout: Duration = .seconds(10)
        /// How long a request may take up to the last byte of its reply. Watches are not bound by it, except while
        /// they are refused. The server's own limit is usually 60 seconds.
        public var requestTimeout: Duration = .seconds(30)
        /// How long a credential plug-in may take. People may have to confirm something meanwhile.
        public var credentialTimeout: Duration = .seconds(60)
        /// How long a watch may be silent before its connection counts as dead. Servers send a bookmark about each
        /// minute. Time in which the consumer takes no events counts, too.
        public var watchIdleTimeout: Duration = .seconds(90)
        /// Connections for everything but watches; at least 1.
        public var maximumConnections: Int = 32
        /// Connections for watches, each of which keeps one; at least 1.
        public var maximumWatches: Int = 64
        /// The largest reply, such as one page of a list, in bytes.
        public var maximumReplyBytes: Int = 64 << 20
        /// The largest event of a watch, in bytes.
        public var maximumEventBytes: Int = 16 << 20

        public init() {}
    }
}
