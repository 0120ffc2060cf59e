internal import Catalog
internal import Deliveries
internal import FoundationEssentials
internal import Pipeline
internal import Services
internal import Sources
package import Status

extension BridgeService {
    /// What the bridge knows of itself now.
    package func status() async -> BridgeStatus {
        let pipeline = parts.pipeline
        let overview = await pipeline.overview(problemLimit: ServiceProblem.limit)
        let now = pipeline.now
        return BridgeStatus(
            instance: instance, version: Version.current, uptime: now, isReady: overview.isReady,
            registries: overview.registries.map { RegistryStatus($0, now: now) },
            deliveries: parts.deliveries.map { delivery in
                DeliveryStatus(delivery, isSeeded: !overview.unseeded.contains(delivery.name))
            },
            problems: Excerpt(
                first: overview.problems.map { ServiceProblem(service: "\($0.service)", reason: $0.reason) },
                count: overview.problemCount),
            resolved: Excerpt(overview.resolved.lazy.map(\.description), limit: BridgeStatus.resolvedLimit))
    }

    /// Releases what is held of a registry.
    /// - Returns: The hold that ended; `nil` where nothing is held.
    package func release(_ registry: String) async -> Released? {
        let pipeline = parts.pipeline
        guard let hold = await pipeline.release(registry) else { return nil }
        return Released(registry: registry, hold: HoldStatus(hold, now: pipeline.now))
    }
}

extension RegistryStatus {
    init(_ report: CatalogStore.Report, now: Duration) {
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
            excess: Excerpt(report.excessLines, limit: Self.unreadableLimit),
            notes: report.notes.map { Note($0) }, hold: report.hold.map { HoldStatus($0, now: now) })
    }
}

extension RegistryStatus.Note {
    init(_ note: RegistryNote) {
        self.init(
            sort: note.sort, subject: note.subject, count: note.count, examples: note.examples, effect: note.effect)
    }
}

extension CatalogStore.Report {
    /// What is beyond the limits, for people.
    fileprivate var excessLines: [String] {
        var lines: [String] = []
        if excess.services > 0 {
            lines.append("\(excess.services) services beyond limits.services (\(limits.services))")
        }
        return lines
            + excess.instances.sorted { $0.key < $1.key }.map { id, count in
                "\(count) instances of \(id) beyond limits.instancesPerService (\(limits.instancesPerService))"
            }
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
        let report = delivery.report(limit: Self.troubleLimit)
        let leadership: Leadership =
            switch report.leadership {
            case .notElected: .notElected
            case .leading: .leading
            case .standby(let holder): .standby(holder: holder)
            }
        let obstacle = report.condition.map { Obstacle(reason: $0.reason, age: $0.age) }
        self.init(
            name: delivery.name, leadership: leadership, isSeeded: isSeeded, pending: report.pending,
            obstacle: obstacle,
            troubles: Excerpt(first: report.failures.map { ResourceTrouble($0) }, count: report.failureCount),
            troubleGroups: report.failureGroups.map { TroubleGroup($0) }, notes: report.notes)
    }
}

extension ResourceTrouble.Kind {
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

extension ResourceTrouble {
    fileprivate init(_ failure: ResourceFailure) {
        self.init(
            resource: "\(failure.key)", kind: Kind(failure.kind), reason: failure.reason, age: failure.age,
            retryIn: failure.retryIn)
    }
}

extension TroubleGroup {
    fileprivate init(_ group: FailureGroup) {
        self.init(
            kind: ResourceTrouble.Kind(group.kind), reason: group.reason, count: group.count,
            resources: group.resources.map { "\($0)" }, age: group.age, retryIn: group.retryIn)
    }
}
