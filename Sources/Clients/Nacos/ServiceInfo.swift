/// All that a server says of one service.
///
/// Two values are equal when they say the same. The server's order of the instances, the time of the answer
/// (`lastRefTime`) and `checksum` are no part of the value: they change from answer to answer.
package struct ServiceInfo: Hashable, Sendable {
    package var key: ServiceKey
    /// The enabled instances, sorted by address, port and cluster. Healthy or not.
    package var instances: [NacosInstance]
    /// Whether so few instances are healthy that the server shows all of them as healthy. A server of 1.x never says
    /// so, although it does the same.
    package var reachesProtectionThreshold: Bool
    /// The instances of the answer that can't be read. They are not in `instances`.
    package var unreadableInstances: Int

    package init(
        key: ServiceKey, instances: [NacosInstance] = [], reachesProtectionThreshold: Bool = false,
        unreadableInstances: Int = 0
    ) {
        self.key = key
        self.instances = instances.sorted()
        self.reachesProtectionThreshold = reachesProtectionThreshold
        self.unreadableInstances = unreadableInstances
    }
}

/// One instance of a service.
package struct NacosInstance: Hashable, Sendable {
    package static let defaultCluster = "DEFAULT"

    /// An IPv4 or IPv6 address, or a host name: servers take any text.
    package var ip: String
    package var port: Int
    package var cluster: String
    /// From 0 to 10,000. An instance of weight 0 gets no traffic.
    package var weight: Double
    /// Whether the server hears from the instance, or reaches it.
    package var isHealthy: Bool
    /// Whether an operator lets it serve. Servers leave the others out of most answers.
    package var isEnabled: Bool
    /// Whether the instance goes with the client that registered it.
    package var isEphemeral: Bool
    package var metadata: [String: String]

    package init(
        ip: String, port: Int, cluster: String = Self.defaultCluster, weight: Double = 1, isHealthy: Bool = true,
        isEnabled: Bool = true, isEphemeral: Bool = true, metadata: [String: String] = [:]
    ) {
        self.ip = ip
        self.port = port
        self.cluster = cluster
        self.weight = weight
        self.isHealthy = isHealthy
        self.isEnabled = isEnabled
        self.isEphemeral = isEphemeral
        self.metadata = metadata
    }
}

extension NacosInstance: Comparable {
    package static func < (left: NacosInstance, right: NacosInstance) -> Bool {
        (left.ip, left.port, left.cluster) < (right.ip, right.port, right.cluster)
    }
}

/// An answer about a service, with its place among all answers and pushes of the client.
package struct ServiceUpdate: Sendable, Hashable {
    package var info: ServiceInfo
    /// The number of the message. A greater one is newer, also across connections.
    package var position: UInt64
    /// The connection that the message came over: `NacosConnection.generation`.
    package var generation: UInt64

    package init(info: ServiceInfo, position: UInt64, generation: UInt64) {
        self.info = info
        self.position = position
        self.generation = generation
    }
}
