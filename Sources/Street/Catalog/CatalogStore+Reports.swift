package import Services

extension CatalogStore {
    /// What there is to know of one registry.
    package struct Report: Sendable {
        package var name: String
        package var health: Health
        package var services: Int
        package var instances: Int
        /// Why what it says of a name can't be used, by name.
        package var unreadable: [String: String]
        package var hold: HoldReport?
    }

    package struct HoldReport: Sendable, Hashable {
        package var cause: Hold.Cause
        /// How many instances are held.
        package var held: Int
        /// How many were gone when the hold began, net of those that came, of how many that the registry had.
        package var lost: Int
        package var total: Int
        package var policy: GuardPolicy
        /// Monotonic.
        package var since: Duration
        /// How long the registry has to go on saying the same, in good health, before the loss is believed; `nil` where only its
        /// recovery or an operator ends the hold.
        package var remaining: Duration?
        /// Sorted.
        package var services: [ServiceID]
    }

    package func report(on registry: String) -> Report? {
        registries.first { $0.name == registry }.map(\.report)
    }

    package var reports: [Report] { registries.map(\.report) }

    /// The services of which something is held.
    package var heldServices: Set<ServiceID> { Set(registries.lazy.compactMap(\.removals).flatMap(\.held.keys)) }

    /// The registries whose losses are held.
    package var holding: Set<String> { Set(registries.lazy.filter { $0.removals?.hold != nil }.map(\.name)) }

    /// The pause before the registry should be read again, since its losses wait for reads that agree; `nil` where nothing does.
    package func readInterval(_ registry: String) -> Duration? {
        registries.first { $0.name == registry }?.removals?.readInterval
    }
}

extension CatalogStore.Registry {
    fileprivate var report: CatalogStore.Report {
        CatalogStore.Report(
            name: name, health: health, services: picture.services.count, instances: picture.count,
            unreadable: picture.unreadable, hold: removals?.report)
    }
}

extension RegistryGuard {
    fileprivate var report: CatalogStore.HoldReport? {
        hold.map { hold in
            CatalogStore.HoldReport(
                cause: hold.cause, held: heldCount, lost: hold.lost, total: hold.total, policy: policy,
                since: hold.since,
                remaining: remaining, services: held.keys.sorted())
        }
    }
}

extension CatalogStore.HoldReport: CustomStringConvertible {
    package var description: String {
        switch cause {
        case .netLoss:
            """
            within \(policy.window.components.seconds) s \(lost) of \(total) instances went, net of those that came: more than \
            \(policy.minRemovals), and than \(policy.maxRemovalPercent) %
            """
        case .emptyAnswer: "it answered that there is nothing at all, where there were \(total) instances"
        case .removedRegistry: "it is not configured any more, and only it announced \(held) of \(total) instances"
        }
    }
}
