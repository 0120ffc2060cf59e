internal import Catalog
internal import Deliveries
internal import FoundationEssentials
internal import Pipeline
internal import Publishing
internal import Services
internal import Sources
package import Status

extension BridgeService {
    /// What the bridge knows of itself now.
    package func status() async -> BridgeStatus {
        let pipeline = parts.pipeline
        let overview = await pipeline.overview(problemLimit: ServiceProblem.limit)
        let now = pipeline.now
        let publisher = parts.publisher
        let publications = await publisher.reports
        return BridgeStatus(
            instance: instance, version: Version.current, uptime: now, isReady: overview.isReady,
            registries: overview.registries.map { registry in
                RegistryStatus(registry, overview.standing[registry.name] ?? Standing(), now: now)
            },
            deliveries: parts.deliveries.map { delivery in
                DeliveryStatus(delivery, isSeeded: !overview.unseeded.contains(delivery.name))
            },
            configurations: publications.map { ConfigurationStatus($0, now: publisher.now) },
            problems: Excerpt(
                first: overview.problems.map { service, problem in
                    ServiceProblem(service: "\(service)", reason: problem.reason, effect: problem.effect.rawValue)
                },
                count: overview.problemCount),
            resolved: Excerpt(overview.resolved.lazy.map(\.description), limit: BridgeStatus.resolvedLimit))
    }

    /// Releases what is held or left over of a registry.
    /// - Parameter service: Only of this one; see `CatalogStore.release`.
    /// - Returns: `nil` where there is nothing.
    package func release(_ registry: String, service: String? = nil) async -> Released? {
        let pipeline = parts.pipeline
        if service == nil, let objects = await parts.publisher.release(registry) {
            let names = objects.map { "\($0)" }
            return Released(
                registry: registry, instances: objects.count,
                services: Excerpt(names, limit: HoldStatus.serviceLimit), hold: nil)
        }
        guard let release = await pipeline.release(registry, service: service) else { return nil }
        return Released(
            registry: registry, instances: release.instances,
            services: Excerpt(release.services.sorted().map(\.description), limit: HoldStatus.serviceLimit),
            hold: release.hold.map { HoldStatus($0, now: pipeline.now) })
    }
}

extension RegistryStatus {
    init(_ report: CatalogStore.Report, _ standing: Pipeline.Standing, now: Duration) {
        let (health, reason, lastGood): (Health, String?, Duration?) =
            switch report.health {
            case .starting(let reason): (.starting, reason, nil)
            case .healthy: (.healthy, nil, .zero)
            case .stale(let reason, let since): (.stale, reason, now - since)
            case .removed: (.removed, "it is not configured any more", nil)
            }
        let unreadable = report.unreadable.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        self.init(
            name: report.name, health: health, reason: reason, lastGood: lastGood, services: report.services,
            instances: report.instances,
            unreadable: Excerpt(
                unreadable.map { UnreadableService(name: $0.key, reason: $0.value) }, limit: Self.unreadableLimit),
            inMesh: Standing(services: standing.services, instances: standing.instances),
            notes: report.notes.map { Note($0) }, hold: report.hold.map { HoldStatus($0, now: now) },
            leftOver: report.leftOver.instances == 0 ? nil : LeftOver(report.leftOver))
    }
}

extension RegistryStatus.Note {
    init(_ note: RegistryNote) {
        self.init(
            sort: note.sort, subject: note.subject, count: note.count, examples: note.examples, effect: note.effect)
    }
}

extension RegistryStatus.LeftOver {
    fileprivate init(_ report: CatalogStore.LeftOver) {
        self.init(
            instances: report.instances,
            services: Excerpt(report.services.lazy.map(\.description), limit: Self.serviceLimit))
    }
}

extension HoldStatus {
    init(_ report: CatalogStore.HoldReport, now: Duration) {
        let kind: Kind =
            switch report.cause {
            case .netLoss: .netLoss
            case .emptyAnswer: .emptyAnswer
            case .removedRegistry: .removedRegistry
            }
        self.init(
            kind: kind, reason: report.description, held: report.held, of: report.total, age: now - report.since,
            releasesIn: report.remaining,
            services: Excerpt(report.services.lazy.map(\.description), limit: Self.serviceLimit))
    }
}

extension DeliveryStatus {
    init(_ delivery: any Delivery, isSeeded: Bool) {
        let report = delivery.report(limit: Self.failureLimit)
        let leadership: Leadership =
            switch report.leadership {
            case .notElected: .notElected
            case .leading: .leading
            case .standby(let holder): .standby(holder: holder)
            }
        let condition = report.condition.map { Condition(reason: $0.reason, age: $0.age) }
        self.init(
            name: delivery.name, leadership: leadership, isSeeded: isSeeded, pending: report.pending,
            condition: condition,
            failures: Excerpt(first: report.failures.map { FailureStatus($0) }, count: report.failureCount),
            failureGroups: report.failureGroups.map { FailureGroupStatus($0) }, notes: report.notes,
            clients: report.clients)
    }
}

extension FailureStatus.Kind {
    fileprivate init(_ kind: ResourceFailure.Kind) {
        self =
            switch kind {
            case .refused: .refused
            case .failed: .failed
            case .fieldConflict: .contested
            case .hostTaken: .hostTaken
            }
    }
}

extension FailureStatus {
    fileprivate init(_ failure: ResourceFailure) {
        self.init(
            resource: "\(failure.key)", kind: Kind(failure.kind), reason: failure.reason, age: failure.age,
            retryIn: failure.retryIn)
    }
}

extension FailureGroupStatus {
    fileprivate init(_ group: FailureGroup) {
        self.init(
            kind: FailureStatus.Kind(group.kind), reason: group.reason, count: group.count,
            resources: group.resources.map { "\($0)" }, age: group.age, retryIn: group.retryIn)
    }
}

extension ConfigurationStatus {
    init(_ report: Publications.Report, now: Duration) {
        let (health, reason, lastGood): (RegistryStatus.Health, String?, Duration?) =
            switch report.health {
            case .starting(let reason): (.starting, reason, nil)
            case .healthy: (.healthy, nil, .zero)
            case .stale(let reason, let since): (.stale, reason, now - since)
            }
        self.init(
            name: report.name, health: health, reason: reason, lastGood: lastGood, documents: report.documents,
            objects: report.objects,
            problems: Excerpt(
                report.problems.map { Problem(document: $0.document, reason: $0.reason) }, limit: Self.problemLimit),
            held: Excerpt(report.held.map { "\($0)" }, limit: HoldStatus.serviceLimit),
            heldFor: report.hold.map { now - $0.since })
    }
}
