package import Services
package import Sources

extension CatalogStore {
    /// The state of one registry.
    package struct Report: Sendable {
        package var name: String
        package var health: Health
        /// What the registry shows.
        package var services: Int
        package var instances: Int
        /// Why nothing that it says of a name can be used, by name.
        package var unreadable: [String: String]
        /// What it holds and is not carried: by its source, or because of the limits.
        package var notes: [RegistryNote]
        package var leftOver: LeftOver
        package var hold: HoldReport?
    }

    /// The endpoints that stand although the registry does not show them, beside those that the guard holds.
    package struct LeftOver: Sendable, Hashable {
        package var instances: Int
        /// Sorted.
        package var services: [ServiceID]
    }

    package struct HoldReport: Sendable, Hashable {
        package var cause: Hold.Cause
        /// How many instances are held.
        package var held: Int
        /// How many instances were gone when the hold began.
        package var lost: Int
        /// How many instances the registry had before.
        package var total: Int
        /// How many instances the registry shows now.
        package var present: Int
        package var policy: GuardPolicy
        /// Monotonic.
        package var since: Duration
        /// How long the reads of the healthy registry still have to agree before the loss is accepted; `nil` where only
        /// its recovery or an operator ends the hold.
        package var remaining: Duration?
        /// Sorted.
        package var services: [ServiceID]
    }

    package func report(on registry: String) -> Report? {
        registries.first { $0.name == registry }.map(\.report)
    }

    package var reports: [Report] { registries.map(\.report) }

    /// The services that have held endpoints.
    package var heldServices: Set<ServiceID> {
        Set(registries.lazy.compactMap(\.registryGuard).flatMap(\.held.services))
    }

    /// The registries that have held endpoints because of a loss.
    package var holding: Set<String> { Set(registries.lazy.filter { $0.registryGuard?.hold != nil }.map(\.name)) }

    /// The time before the registry should be read again, since a hold waits for reads that agree; `nil` without one.
    package func readInterval(_ registry: String) -> Duration? {
        registries.first { $0.name == registry }?.registryGuard?.readInterval
    }
}

extension CatalogStore.Registry {
    var report: CatalogStore.Report {
        let unseen = unseen
        let count = unseen.values.reduce(0, +)
        let services = unseen.count { id, count in view.services[id].map { $0.count <= count } ?? false }
        return CatalogStore.Report(
            name: name, health: health, services: view.services.count - services, instances: view.count - count,
            unreadable: view.unreadable, notes: notes + admission.notes,
            leftOver: .init(instances: count, services: unseen.keys.sorted()), hold: registryGuard?.report(view))
    }
}

extension RegistryGuard {
    fileprivate func report(_ view: View) -> CatalogStore.HoldReport? {
        hold.map { hold in
            CatalogStore.HoldReport(
                cause: hold.cause, held: held.count, lost: hold.lost, total: hold.total, present: view.count,
                policy: policy,
                since: hold.since, remaining: remaining, services: held.services.sorted())
        }
    }
}

extension CatalogStore.HoldReport: CustomStringConvertible {
    package var description: String {
        switch cause {
        case .netLoss:
            """
            there were \(total) instances, there are \(present); \
            \(lost) went within \(policy.window.components.seconds) s that no new ones replace, which is more than \(policy.minRemovals) and than \(policy.maxRemovalPercent) %
            """
        case .emptyAnswer: "it answered that there is nothing at all, where there were \(total) instances"
        case .removedRegistry: "it is not configured any more, and only it announced \(held) of \(total) instances"
        }
    }
}
