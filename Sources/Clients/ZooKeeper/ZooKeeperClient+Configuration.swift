extension ZooKeeperClient {
    public struct Configuration: Sendable {
        /// How long the ensemble keeps the session after it last heard of the client; it clamps the wish to 2 to 20
        /// of its ticks. Default 30 s.
        public var sessionTimeout: Duration = .seconds(30)
        /// The longest reply that is taken, in bytes, from 4,096 to `Int32.max`. A list of children has no bound of its own
        /// at the server, so this is above the server's `jute.maxbuffer`. A longer reply is passed over as it arrives, and
        /// its request alone fails, with `replyTooLarge`. Default 64 MiB.
        public var replyLimit = 64 << 20
        /// How many requests may be on the wire at once, 1 or more. Default 256; a server slows down above 1,000.
        public var pipelineDepth = 256
        /// How many requests may be on the wire and wait for it together, 1 or more. One more fails at once with
        /// `tooManyRequests`: a queue of callers would only hide that the ensemble is too slow for them. Default
        /// 16,384.
        public var maximumOutstandingRequests = 16_384
        /// How many events may wait for a consumer before they are replaced by `overflowed`, 2 or more. Default 16,384.
        public var eventCapacity = 16_384
        /// What the client proves itself with, on every connection before anything else. Default none.
        public var credentials: [Credential] = []
        /// TLS to the ensemble's secure ports, or `nil` for none. Default none.
        public var tls: TLS?

        public init() {}
    }
}
