internal import Catalog
internal import Deliveries
internal import Logging
internal import Pipeline
internal import Planning
internal import Publishing
internal import Services
internal import Snapshot
internal import Sources
internal import Translation

/// The street's stages, made from a configuration and not yet running.
struct BridgeParts: Sendable {
    let sources: [any Source]
    let configurations: [any ConfigurationSource]
    let pipeline: PipelineActor
    /// What the deliveries ask: the pipeline, and what operators publish.
    let publisher: Publisher
    let deliveries: [any Delivery]
    /// `nil` where nothing is remembered but by what the deliveries hold.
    let memory: SnapshotKeeper?

    /// - Parameter isLasting: Whether it runs until it is stopped: then it stands for election, and remembers.
    /// - Throws: What keeps a delivery from being used. Nothing is connected yet.
    init(_ configuration: BridgeConfiguration, isLasting: Bool, logger: Logger) throws {
        let policy = configuration.translation
        let ownership = Ownership(
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance],
            annotationPrefix: OwnerMark.prefix)
        let gauge = FitnessGauge(leaseDuration: (configuration.leadership ?? .init()).leaseDuration)
        var manifests = ManifestScope()
        for centre in configuration.configurations {
            manifests.insert(kinds: centre.policy.kinds, namespaces: centre.policy.namespaces)
        }
        let context = DeliveryContext(
            version: Version.current, instance: policy.instance, ownership: ownership, namespace: policy.namespace,
            domain: policy.hosts.domain, exportTo: policy.exportTo, mesh: policy.mesh,
            usesWorkloads: policy.endpoints != .inline, manifests: manifests,
            leadership: isLasting ? configuration.leadership : nil,
            fitness: { gauge.fitness }, logger: logger)
        let deliveries = try configuration.deliveries.map { try $0.delivery(context) }
        self.deliveries = deliveries
        sources = configuration.registries.map { registry in
            var logger = logger
            logger[metadataKey: "registry"] = "\(registry.name)"
            let source = registry.settings.source(
                SourceContext(
                    name: registry.name, keptAttributes: policy.keptLabels, hosts: policy.hostRules,
                    isLasting: isLasting, logger: logger))
            guard let scope = registry.scope else { return source }
            return ScopedSource(source, scope: scope)
        }
        let memory = configuration.statePath.flatMap { path in
            isLasting ? SnapshotKeeper(file: SnapshotFile(path: path), logger: logger) : nil
        }
        self.memory = memory
        pipeline = PipelineActor(
            policy: policy, guardPolicy: configuration.removals, limits: configuration.limits,
            registries: configuration.registries.map(\.name),
            deliveries: deliveries, logger: logger, changesSnapshot: { memory?.changed() },
            followsAny: { gauge.note(isHealthy: $0) })
        configurations = configuration.configurations.map { centre in
            var logger = logger
            logger[metadataKey: "centre"] = "\(centre.name)"
            return centre.settings.source(ConfigurationContext(name: centre.name, logger: logger))
        }
        publisher = Publisher(
            configuration.configurations.map { centre in
                Publications(name: centre.name, policy: centre.policy, guardPolicy: configuration.removals)
            },
            besides: pipeline, deliveries: deliveries, logger: logger)
    }

    /// Closes the connections of the deliveries.
    func shutdown() async {
        for delivery in deliveries { await delivery.end() }
    }
}
