package import Deliveries
package import IstioAPI
internal import Kubernetes
internal import Logging
package import Planning

/// A cluster with the connections to it, and the Lease that says which replica writes to it.
package struct ElectedDelivery: StatefulDelivery {
    private let cluster: ClusterDelivery
    /// `nil` where no other replica writes.
    private let election: LeaderElection?
    private let clients: [KubernetesClient]

    /// - Throws: `KubernetesError` for a cluster that can't be used. Nothing is connected yet.
    init(_ settings: ClusterSettings, _ context: DeliveryContext) throws {
        var logger = context.logger
        logger[metadataKey: "cluster"] = "\(settings.name)"
        // A connection for each write, and some to read with.
        var options = KubernetesClient.Options()
        options.maximumConnections = ClusterDelivery.standardConcurrency.upperBound + 16
        func makeClient() throws -> KubernetesClient {
            try KubernetesClient(
                settings.configuration, userAgent: "isthmus/\(context.version)", options: options, logger: logger)
        }
        let client = try makeClient()
        var clients = [client]
        election = try context.leadership.map { times in
            // The lease must not wait behind anything, hence connections of its own.
            let own = try makeClient()
            clients.append(own)
            return try LeaderElection(client: own, times, context, logger: logger)
        }
        self.clients = clients
        cluster = ClusterDelivery(
            name: settings.name, client: client, namespace: context.namespace, ownership: context.ownership,
            hosts: context.hosts, rootNamespace: settings.rootNamespace, usesWorkloads: context.usesWorkloads,
            manifests: context.manifests,
            pause: settings.pause, leadership: election,
            writeGrace: context.leadership?.writeGrace ?? .zero, logger: logger)
    }

    /// For tests.
    init(_ cluster: ClusterDelivery, election: LeaderElection) {
        self.cluster = cluster
        self.election = election
        clients = []
    }

    package var name: String { cluster.name }

    package func run(desired: any DesiredState) async {
        // At a stop the writes under way come to their end, within bounds, before another replica may lead.
        guard let election else { return await cluster.run(desired: desired) }
        // A task of its own, since the cancellation must not reach the writes before the lease is released.
        let writing = Task { await cluster.run(desired: desired) }
        await election.run { isLeading in
            if isLeading { await cluster.beginToLead() } else { await cluster.endLeading() }
        }
        writing.cancel()
        await writing.value
    }

    package func end() async {
        for client in clients { await client.shutdown() }
    }

    package var ownership: Ownership { cluster.ownership }
    package func owned() async throws -> [ActualObject] { try await cluster.owned() }
    package func object(_ key: ResourceKey) async throws -> ActualObject? { try await cluster.object(key) }
    package func conditions(toCreating keys: [ResourceKey]) async -> [String] {
        await cluster.conditions(toCreating: keys)
    }
    package func carryOut(
        _ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async {
        await cluster.carryOut(changes, report: report)
    }
    package func plan(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change {
        await cluster.plan(key, wanted: wanted, held: held)
    }
    package func warning(about key: ResourceKey) async -> String? { await cluster.warning(about: key) }
    package func changed(_ keys: [ResourceKey]) { cluster.changed(keys) }

    package func report(limit: Int) -> DeliveryReport {
        var report = cluster.report(limit: limit)
        guard let election else { return report }
        report.leadership = election.isLeading ? .leading : .standby(holder: election.otherHolder)
        // A replica that can't stand for election never writes, whatever else it lacks.
        if let error = election.interruption {
            let others = report.condition.map { "; besides: \($0.reason)" } ?? ""
            report.condition = DeliveryCondition(
                reason: "the lease can't be held: \(error)\(others)", age: election.interruptionAge ?? .zero)
        }
        return report
    }
}

extension LeaderElection: Leadership {
    /// One Lease for each installation, beside its resources.
    fileprivate convenience init(
        client: KubernetesClient, _ times: LeadershipTimes, _ context: DeliveryContext, logger: Logger
    ) throws {
        var configuration = Configuration(
            name: DNSName.objectName(ofInstallation: context.instance), namespace: context.namespace)
        configuration.leaseDuration = times.leaseDuration
        configuration.renewDeadline = times.renewDeadline
        configuration.retryPeriod = times.retryPeriod
        let prefix = context.ownership.annotationPrefix
        let handover = Handover(
            offerAnnotation: prefix + "holder-unfit", claimAnnotation: prefix + "fit-candidate"
        ) {
            switch context.fitness() {
            case .fit: .fit
            case .doubtful: .doubtful
            case .unfit: .unfit
            }
        }
        try self.init(client: client, configuration: configuration, handover: handover, logger: logger)
    }
}

extension LeadershipTimes {
    /// A leader that can't renew its lease stops this long before another replica may lead.
    fileprivate var writeGrace: Duration { max(leaseDuration - renewDeadline, .zero) }
}
