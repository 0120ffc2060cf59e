extension KubernetesClient {
    /// Times and limits of a client.
    public struct Options: Sendable, Hashable {
        /// How long the client waits for a connection, TLS handshake included.
        public var connectTimeout: Duration = .seconds(10)
        /// How long a request may take until the last byte of its reply. Of a watch it bounds only the reading of a
        /// refusal. The server's own limit is usually 60 seconds.
        public var requestTimeout: Duration = .seconds(30)
        /// How long a credential plug-in may run. A person may have to confirm something meanwhile.
        public var credentialTimeout: Duration = .seconds(60)
        /// How long a watch may be silent before it ends with `idle`. A ``Watcher`` then opens the next watch from the
        /// last version, since the connection may be dead. Most servers send a bookmark about every minute. Time in
        /// which the consumer takes no events counts too.
        public var watchIdleTimeout: Duration = .seconds(90)
        /// The number of connections for all requests but watches, at least 1. Further requests wait for a connection.
        public var maximumConnections: Int = 32
        /// The number of connections for watches, at least 1. Each watch occupies one; further watches wait.
        public var maximumWatches: Int = 64
        /// The size of the largest reply, such as one page of a list, in bytes. A larger one fails with
        /// `replyTooLarge`.
        public var maximumReplyBytes: Int = 64 << 20
        /// The size of the largest event of a watch, in bytes. A larger one fails with `replyTooLarge`.
        public var maximumEventBytes: Int = 16 << 20

        public init() {}
    }
}
