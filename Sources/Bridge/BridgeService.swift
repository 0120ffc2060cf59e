internal import Catalog
internal import Dubbo
internal import Kubernetes
internal import KubernetesDelivery
package import Logging
internal import Planning
internal import ServiceLifecycle
internal import Translation
internal import ZooKeeper
internal import ZooKeeperSource

/// The whole street, put together from a configuration and run as one service.
package struct BridgeService: ServiceLifecycle.Service {
    private let pipeline: Pipeline
    private let sources: [any Source]
    private let deliveries: [any Delivery]
    private let clients: [KubernetesClient]
    private let logger: Logger

    /// - Throws: `ConfigurationError` or `KubernetesError` where the configuration can't be used. Nothing is connected yet.
    package init(_ configuration: BridgeConfiguration, logger: Logger) throws {
        let policy = configuration.translation
        let ownership = Ownership(
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance],
            annotationPrefix: OwnerMark.prefix)
        clients = try configuration.clusters.map {
            try KubernetesClient($0.configuration, userAgent: "isthmus/\(Version.current)", logger: logger)
        }
        deliveries = zip(configuration.clusters, clients).map { cluster, client in
            ClusterDelivery(
                name: cluster.name, client: client, namespace: policy.namespace, ownership: ownership,
                logger: logger.adding("cluster", cluster.name))
        }
        sources = configuration.registries.map { registry in
            let logger = logger.adding("registry", registry.name)
            var settings = ZooKeeperClient.Configuration()
            settings.sessionTimeout = registry.sessionTimeout
            return ZooKeeperRegistry(
                name: registry.name,
                client: ZooKeeperClient(registry.servers, configuration: settings, logger: logger),
                root: registry.root, decoder: ProviderDecoder(keptParameters: policy.keptLabels), logger: logger)
        }
        pipeline = Pipeline(
            policy: policy, registries: sources.map(\.name), deliveries: deliveries, logger: logger)
        self.logger = logger
    }

    /// Runs until the task is cancelled or a graceful shutdown is asked for; then closes sessions and connections.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for delivery in deliveries { group.addTask { await delivery.run(desired: pipeline) } }
                for source in sources {
                    group.addTask { await source.run { event in await pipeline.accept(event, from: source.name) } }
                }
                group.addTask { await pipeline.expireEmptyEntries() }
            }
        }
        for client in clients { await client.shutdown() }
        logger.info("stopped")
    }
}

package enum Version {
    package static let current = "0.1.0"
}

extension Logger {
    fileprivate func adding(_ key: String, _ value: String) -> Logger {
        var logger = self
        logger[metadataKey: key] = "\(value)"
        return logger
    }
}
