internal import Catalog
internal import IstioAPI
internal import Services
internal import Translation

/// What is known for certain, and therefore what may be removed. Every removal asks here.
///
/// A registry that is down freezes only the services that it is known to announce.
struct Certainty {
    /// Whether every delivery that is waited for has told what it holds.
    private let hasBegun: Bool
    private let catalog: CatalogStore
    /// `nil` where every registry is followed: then it does not matter which of them announced a service.
    private let assignments: Assignments?
    private let expired: Set<ResourceKey>

    fileprivate init(hasBegun: Bool, _ catalog: CatalogStore, _ assignments: Assignments, expired: Set<ResourceKey>) {
        self.hasBegun = hasBegun
        self.catalog = catalog
        self.assignments = catalog.isHealthy ? nil : assignments
        self.expired = expired
    }

    /// Whether it is known who serves a service.
    func coversProviders(of id: ServiceID) -> Bool {
        hasBegun && catalog.isDecidable(id)
            && !catalog.dependsOnUnhealthy(id, announcedBy: assignments?[id]?.registries ?? [])
    }

    /// Whether a resource that belongs to no known service is known to be unwanted. Where its service has expired it
    /// is. Of any other one a registry that is down may know the service.
    func coversUnowned(_ key: ResourceKey) -> Bool {
        guard hasBegun else { return false }
        return catalog.isHealthy || expired.contains(WorkloadEntry.serviceEntry(ofWorkload: key) ?? key)
    }
}

extension PipelineStateMachine {
    /// It costs nothing: the tables are shared, not copied, as long as they do not change.
    var certainty: Certainty {
        Certainty(hasBegun: phase.hasBegun, catalog, assignments, expired: expired)
    }
}

// MARK: - Expiry

extension PipelineStateMachine {
    /// When `expire` should be called next. A service that becomes empty from now on is due later than this.
    package func nextExpiry(now: Duration) -> Duration {
        let retention = translator.policy.emptyRetention
        // Since when services have been empty that are known from before is not known yet.
        guard phase.hasBegun else { return now + min(retention, Self.patience) }
        let times = [assignments.nextExpiry(retention: retention), outdated.values.min().map { $0 + retention }]
        // Within an hour, names may be gone for long enough that are there now.
        return min(times.compactMap(\.self).min() ?? now + retention, now + .seconds(3600))
    }

    /// Removes the entries that have been empty for the retention.
    package mutating func expire(now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        let retention = translator.policy.emptyRetention
        let certainty = certainty
        let due = outdated.filter { id, time in now - time >= retention && certainty.coversProviders(of: id) }
        for id in due.keys { refresh(id, &effects) }
        update(assignments.dueForAddresses(now: now).sorted(), now: now, &effects)
        expire(now: now, &effects)
        return effects
    }

    mutating func expire(
        now: Duration, _ effects: inout PipelineEffects, where isDue: (ServiceID) -> Bool = { _ in true }
    ) {
        let (certainty, outdated) = (certainty, outdated)
        let names = assignments.expire(now: now, retention: translator.policy.emptyRetention) { id in
            isDue(id) && certainty.coversProviders(of: id) && outdated[id] == nil
        }
        if names.isEmpty { return }
        for name in names {
            table.remove(key(ofObject: name), &effects.changed)
            if !catalog.isHealthy { expired.insert(key(ofObject: name)) }
        }
        effects.changesSnapshot = true
        // The virtual addresses and hosts that became free may be what other services lack.
        update(problems.keys.sorted(), now: now, &effects)
    }
}
