extension ZooKeeperClient {
    /// The settings of a client. The client raises values below their range to its lower end.
    public struct Configuration: Sendable {
        /// The session timeout that the client asks for. The ensemble keeps the session for this time after it last
        /// heard from the client. By default it limits the value to 2 to 20 of its ticks: 4 s to 40 s for ticks of 2 s.
        /// Default 30 s.
        public var sessionTimeout: Duration = .seconds(30)
        /// The time from the call of a request to its reply, 1 ms or more; `nil` for no limit. Then the request fails
        /// with `requestTimeout`, and the connection stays open. It is `zookeeper.request.timeout` of the Java client,
        /// which closes the connection instead. Default `nil`.
        ///
        /// Without a limit a request ends when its connection does: a silent server costs the connection after two
        /// thirds of the session timeout. For a limit of one request, cancel its task.
        public var requestTimeout: Duration?
        /// The longest accepted reply in bytes, from 4,096 to `Int32.max`. The client skips a longer reply; its request
        /// fails with `replyTooLarge`, and the connection stays open. A server does not limit the length of a list of
        /// children, so this limit is above the server's `jute.maxbuffer`. Default 64 MiB.
        public var replyLimit = 64 << 20
        /// The largest number of requests on the wire, 1 or more. A server slows down above 1,000
        /// (`globalOutstandingLimit`). Default 256.
        public var pipelineDepth = 256
        /// The largest number of outstanding requests, 1 or more: those on the wire and those that wait. A cancelled
        /// request on the wire counts until its reply arrives. One request more fails at once with `tooManyRequests`.
        /// Default 16,384.
        public var maximumOutstandingRequests = 16_384
        /// The largest number of events that wait for a consumer, 2 or more. Then `overflowed` replaces the watch
        /// events among them. Default 16,384.
        public var eventCapacity = 16_384
        /// The credentials that the client sends on every connection before any request. Default none.
        public var credentials: [Credential] = []
        /// TLS to the secure client ports of the ensemble; `nil` for none. Default `nil`.
        public var tls: TLS?

        public init() {}
    }
}
