internal import Catalog
internal import Deliveries
internal import DirectoryDelivery
internal import Dubbo
internal import Kubernetes
internal import KubernetesDelivery
internal import Logging
internal import Planning
internal import Snapshot
internal import Translation
internal import ZooKeeper
internal import ZooKeeperSource

/// The street's stages, made from a configuration and not yet running.
struct BridgeParts: Sendable {
    /// A cluster whose Lease says which replica writes to it.
    struct ElectedDelivery: Sendable {
        let delivery: ClusterDelivery
        let election: LeaderElection
    }

    let sources: [any Source]
    let pipeline: Pipeline
    let deliveries: [any Delivery]
    let elected: [ElectedDelivery]
    let ownership: Ownership
    /// `nil` where nothing is remembered but by what the deliveries hold.
    let memory: SnapshotKeeper?
    private let clients: [KubernetesClient]

    /// - Parameter isLasting: Whether it runs until it is stopped: then it stands for election, and remembers.
    /// - Throws: `KubernetesError` for a cluster that can't be used. Nothing is connected yet.
    init(_ configuration: BridgeConfiguration, isLasting: Bool, logger: Logger) throws {
        let policy = configuration.translation
        ownership = Ownership(
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance],
            annotationPrefix: OwnerMark.prefix)
        let gauge = FitnessGauge(leaseDuration: (configuration.leadership ?? .init()).leaseDuration)
        var clients: [KubernetesClient] = []
        var deliveries: [any Delivery] = []
        var elected: [ElectedDelivery] = []
        for cluster in configuration.clusters {
            let logger = logger.adding("cluster", cluster.name)
            func client() throws -> KubernetesClient {
                // A connection for each write, and some to read with.
                var options = KubernetesClient.Options()
                options.maximumConnections = ClusterDelivery.standardConcurrency.upperBound + 8
                let client = try KubernetesClient(
                    cluster.configuration, userAgent: "isthmus/\(Version.current)", options: options, logger: logger)
                clients.append(client)
                return client
            }
            // The lease must not wait behind anything, hence connections of its own.
            let election = try configuration.leadership.flatMap { times in
                isLasting
                    ? try LeaderElection(client: client(), times, policy, logger: logger) { gauge.fitness }
                    : nil
            }
            let delivery = ClusterDelivery(
                name: cluster.name, client: try client(), namespace: policy.namespace, ownership: ownership,
                usesWorkloads: policy.endpoints != .inline, isPaced: configuration.isPaced, leadership: election,
                logger: logger)
            deliveries.append(delivery)
            if let election { elected.append(ElectedDelivery(delivery: delivery, election: election)) }
        }
        if let folder = configuration.directory {
            let name = "directory"
            deliveries.append(
                FileDelivery(
                    name: name, folder: folder, ownership: ownership, logger: logger.adding("delivery", name)))
        }
        self.clients = clients
        self.deliveries = deliveries
        self.elected = elected
        sources = configuration.registries.map { registry in
            ZooKeeperRegistry(registry, policy, logger: logger.adding("registry", registry.name))
        }
        let memory = configuration.statePath.flatMap { path in
            isLasting ? SnapshotKeeper(file: SnapshotFile(path: path), logger: logger) : nil
        }
        self.memory = memory
        pipeline = Pipeline(
            policy: policy, guardPolicy: configuration.removals, registries: sources.map(\.name),
            deliveries: deliveries, logger: logger, remembers: { memory?.changed() },
            followsAll: { gauge.note(isHealthy: $0) })
    }

    /// Closes the connections to the clusters.
    func shutdown() async {
        for client in clients { await client.shutdown() }
    }
}

extension LeaderElection: Leadership {
    /// One Lease for each installation, beside its resources.
    fileprivate convenience init(
        client: KubernetesClient, _ times: BridgeConfiguration.Leadership, _ policy: TranslationPolicy, logger: Logger,
        fitness: @escaping @Sendable () -> Fitness
    ) throws {
        var configuration = Configuration(name: policy.leaseName, namespace: policy.namespace)
        configuration.leaseDuration = times.leaseDuration
        configuration.renewDeadline = times.renewDeadline
        configuration.retryPeriod = times.retryPeriod
        try self.init(client: client, configuration: configuration, logger: logger, fitness: fitness)
    }
}

extension TranslationPolicy {
    /// An object's name has lower-case letters only: what an installation's name has beyond that is written in hexadecimal.
    var leaseName: String {
        let encoded = instance.unicodeScalars.map { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-"
                ? String(scalar) : "-" + String(scalar.value, radix: 16) + "-"
        }
        return "isthmus-" + encoded.joined() + (encoded.last?.hasSuffix("-") == true ? "0" : "")
    }
}

extension ZooKeeperRegistry {
    fileprivate init(_ registry: BridgeConfiguration.Registry, _ policy: TranslationPolicy, logger: Logger) {
        var settings = ZooKeeperClient.Configuration()
        settings.sessionTimeout = registry.sessionTimeout
        settings.replyLimit = registry.replyLimit
        settings.credentials = registry.credentials
        settings.tls = registry.tls
        self.init(
            name: registry.name,
            client: ZooKeeperClient(registry.servers, configuration: settings, logger: logger),
            root: registry.root, decoder: ProviderDecoder(keptParameters: policy.keptLabels), logger: logger)
    }
}

extension Logger {
    fileprivate func adding(_ key: String, _ value: String) -> Logger {
        var logger = self
        logger[metadataKey: key] = "\(value)"
        return logger
    }
}
