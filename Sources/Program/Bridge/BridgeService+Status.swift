internal import Catalog
internal import Deliveries
internal import FoundationEssentials
package import Status

extension BridgeService {
    /// What the bridge knows of itself now.
    package func status() async -> BridgeStatus {
        let seen = await parts.pipeline.status()
        let deliveries = parts.deliveries.map { delivery in
            DeliveryStatus(delivery, isSeeded: !seen.unseeded.contains(delivery.name))
        }
        return BridgeStatus(
            instance: instance, version: Version.current, uptime: seen.uptime,
            isReady: seen.isReady, registries: seen.registries, deliveries: deliveries,
            problems: seen.problems)
    }

    /// Lets go of what is held of a registry.
    /// - Returns: What was held; `nil` when nothing was.
    package func release(_ registry: String) async -> Released? {
        await parts.pipeline.release(registry).map { Released(registry: registry, hold: $0) }
    }
}

extension Pipeline {
    struct Seen: Sendable {
        var uptime: Duration
        var unseeded: Set<String>
        var isReady: Bool
        var registries: [RegistryStatus]
        var problems: Excerpt<ServiceProblem>
    }

    func status() -> Seen {
        Seen(
            uptime: now, unseeded: unseeded,
            // A registry that can't be reached does not make a replica unready: the last good picture is served.
            isReady: hasBegun && isStarted,
            registries: catalog.reports.map { RegistryStatus($0, now: now) },
            problems: Excerpt(
                problems.sorted { $0.key < $1.key }.flatMap { id, reasons in
                    reasons.map { ServiceProblem(service: "\(id)", reason: $0) }
                }, limit: ServiceProblem.limit))
    }
}

extension RegistryStatus {
    fileprivate init(_ report: CatalogStore.Report, now: Duration) {
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
            hold: report.hold.map { HoldStatus($0, now: now) })
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
        let troubles = delivery.troubles(limit: Self.troubleLimit)
        let leadership: Leadership =
            switch delivery.leadership {
            case .notElected: .notElected
            case .leading: .leading
            case .standby(let holder): .standby(holder: holder)
            }
        let obstacle = delivery.obstacle.map { Obstacle(reason: $0.reason, age: $0.age) }
        self.init(
            name: delivery.name, leadership: leadership, isSeeded: isSeeded, pending: delivery.pending,
            obstacle: obstacle,
            troubles: Excerpt(first: troubles.items.map { ResourceTrouble($0) }, count: troubles.total))
    }
}

extension ResourceTrouble {
    fileprivate init(_ trouble: Trouble) {
        let kind: Kind =
            switch trouble.kind {
            case .refused: .refused
            case .failed: .failed
            case .contested: .contested
            }
        self.init(
            resource: "\(trouble.key)", kind: kind, reason: trouble.reason, age: trouble.age, retryIn: trouble.retryIn)
    }
}
