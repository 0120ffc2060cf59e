/// What a client tells about its connection and about what it follows, in order.
package enum NacosEvent: Hashable, Sendable {
    /// A connection stands. Changes since the last one may have been missed.
    case connected(NacosConnection)
    /// The connection ended, or an attempt failed. The client goes on trying.
    case disconnected(reason: String)
    /// A push about a subscribed service, or the answer to a subscription that was made again.
    case service(ServiceUpdate)
    /// Every subscription of earlier connections was made again on this one, or was tried and is tried again later.
    case resubscribed(generation: UInt64)
    /// The fuzzy watch of services has told which ones it knows. Until the next `connected` it tells changes.
    ///
    /// - Parameter isComplete: Whether these are all services that match. They are not where the server's limit is
    ///   reached, where it can't watch, and where its answer stopped short: then a list is needed, now and later.
    case services(Set<ServiceKey>, isComplete: Bool)
    /// The fuzzy watch of services: the service has an instance, or came again.
    case serviceAdded(ServiceKey)
    /// The fuzzy watch of services: the last instance left. The name may live on for some minutes.
    case serviceRemoved(ServiceKey)
    /// The content of a configuration is another one than the last listened for, or it was removed.
    case configChanged(ConfigKey)
    /// The fuzzy watch of configurations, as for services.
    case configs(Set<ConfigKey>, isComplete: Bool)
    case configAdded(ConfigKey)
    case configRemoved(ConfigKey)
}

/// One connection to one server.
package struct NacosConnection: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A server of 2.x or later: subscriptions and pushes.
        case grpc
        /// A server of 1.x, which can only be asked.
        case http
    }

    /// The number of the connection among those of the client, from 1.
    package var generation: UInt64
    package var server: NacosServer
    package var kind: Kind
    /// Such as `2.5.1`; `nil` where the server doesn't tell.
    package var version: String?
    package var supportsFuzzyWatch: Bool

    package init(
        generation: UInt64, server: NacosServer, kind: Kind, version: String? = nil, supportsFuzzyWatch: Bool = false
    ) {
        self.generation = generation
        self.server = server
        self.kind = kind
        self.version = version
        self.supportsFuzzyWatch = supportsFuzzyWatch
    }
}
