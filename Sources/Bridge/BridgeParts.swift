internal import Catalog
internal import Deliveries
internal import DirectoryDelivery
internal import Dubbo
internal import Kubernetes
internal import KubernetesDelivery
internal import Logging
internal import Planning
internal import Translation
internal import ZooKeeper
internal import ZooKeeperSource

/// The street's stages, made from a configuration and not yet running.
struct BridgeParts: Sendable {
    let sources: [any Source]
    let pipeline: Pipeline
    let deliveries: [any Delivery]
    let ownership: Ownership
    private let clients: [KubernetesClient]

    /// - Throws: `KubernetesError` for a cluster that can't be used. Nothing is connected yet.
    init(_ configuration: BridgeConfiguration, logger: Logger) throws {
        let policy = configuration.translation
        let ownership = Ownership(
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance],
            annotationPrefix: OwnerMark.prefix)
        self.ownership = ownership
        clients = try configuration.clusters.map {
            try KubernetesClient($0.configuration, userAgent: "isthmus/\(Version.current)", logger: logger)
        }
        var deliveries: [any Delivery] = zip(configuration.clusters, clients).map { cluster, client in
            ClusterDelivery(
                name: cluster.name, client: client, namespace: policy.namespace, ownership: ownership,
                logger: logger.adding("cluster", cluster.name))
        }
        if let folder = configuration.directory {
            let name = "directory"
            deliveries.append(
                FileDelivery(
                    name: name, folder: folder, ownership: ownership, logger: logger.adding("delivery", name)))
        }
        self.deliveries = deliveries
        sources = configuration.registries.map { registry in
            let logger = logger.adding("registry", registry.name)
            var settings = ZooKeeperClient.Configuration()
            settings.sessionTimeout = registry.sessionTimeout
            settings.replyLimit = registry.replyLimit
            return ZooKeeperRegistry(
                name: registry.name,
                client: ZooKeeperClient(registry.servers, configuration: settings, logger: logger),
                root: registry.root, decoder: ProviderDecoder(keptParameters: policy.keptLabels), logger: logger)
        }
        pipeline = Pipeline(
            policy: policy, guardPolicy: configuration.removals, registries: sources.map(\.name),
            deliveries: deliveries, logger: logger)
    }

    /// Closes the connections to the clusters.
    func shutdown() async {
        for client in clients { await client.shutdown() }
    }
}

extension Logger {
    fileprivate func adding(_ key: String, _ value: String) -> Logger {
        var logger = self
        logger[metadataKey: key] = "\(value)"
        return logger
    }
}
