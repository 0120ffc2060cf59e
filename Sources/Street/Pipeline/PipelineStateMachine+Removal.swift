internal import Catalog
internal import Services
internal import Translation

/// What is known for certain, and therefore what may be removed. Every removal asks here, so that a rule for each registry has one
/// place.
///
/// Today a registry that is down stops the removals of all services; see rule 12 of the design.
struct Certainty {
    /// Whether every registry is followed and every delivery that is waited for has told what it holds.
    private let followsAll: Bool
    private let catalog: CatalogStore

    fileprivate init(hasBegun: Bool, _ catalog: CatalogStore) {
        followsAll = hasBegun && catalog.isHealthy
        self.catalog = catalog
    }

    /// Whether it is known who serves a service. A registry that can't be followed may have got the service back.
    func coversProviders(of id: ServiceID) -> Bool { followsAll && catalog.isDecidable(id) }

    /// Whether a resource that belongs to no known service is known to be unwanted.
    var coversUnownedResources: Bool { followsAll }
}

extension PipelineStateMachine {
    /// It costs nothing: the catalog is shared, not copied, as long as it does not change.
    var certainty: Certainty { Certainty(hasBegun: phase.hasBegun, catalog) }
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
        for name in names { table.remove(key(ofObject: name), &effects.changed) }
        effects.changesSnapshot = true
        // The virtual addresses and hosts that became free may be what other services lack.
        update(problems.keys.sorted(), now: now, &effects)
    }
}
