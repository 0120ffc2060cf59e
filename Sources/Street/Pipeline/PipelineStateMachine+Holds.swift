package import Catalog
internal import Sources

extension PipelineStateMachine {
    /// Believes what a registry says, although it looked like a failure.
    /// - Returns: The hold that ended; `nil` where nothing is held.
    package mutating func release(
        _ registry: String, now: Duration
    ) -> (hold: CatalogStore.HoldReport, effects: PipelineEffects)? {
        guard let hold = catalog.report(on: registry)?.hold, let outcome = catalog.release(registry, now: now) else {
            return nil
        }
        var effects = PipelineEffects()
        effects.reports.append(.holdReleased(registry: registry, hold))
        reportedHolds.remove(registry)
        take(outcome, now: now, &effects)
        return (hold, effects)
    }

    /// When `wake` should be called; monotonic. `nil` where no removal waits and nothing is held.
    package var nextWake: Duration? {
        [catalog.nextWake, fullReads.values.lazy.compactMap(\.dueTime).min()].compactMap(\.self).min()
    }

    /// A time has come that `nextWake` told: removals that waited are judged, and registries whose losses are held are
    /// read again.
    package mutating func wake(now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        take(catalog.wake(now: now), now: now, &effects)
        for registry in fullReads.keys.sorted() where fullReads[registry]?.wake(now: now) == true {
            effects.reads.append(.init(registry: registry, extent: .everything))
        }
        return effects
    }

    mutating func noteFullRead(_ event: SourceEvent, of registry: String, now: Duration) {
        switch event {
        case .begin:
            fullReads[registry]?.begin(now: now)
        case .complete, .interrupted:
            fullReads[registry]?.end(interval: catalog.readInterval(registry), now: now)
        case .services, .unreadable, .added, .removed, .notes: break
        }
    }

    /// Reports holds that began or ended. An event of one registry can end the hold of another.
    mutating func reportHolds(_ effects: inout PipelineEffects) {
        let holding = catalog.holding
        if holding == reportedHolds { return }
        for registry in reportedHolds.subtracting(holding).sorted() {
            effects.reports.append(.holdEnded(registry: registry))
        }
        for registry in holding.subtracting(reportedHolds).sorted() {
            guard let hold = catalog.report(on: registry)?.hold else { continue }
            effects.reports.append(.holdBegan(registry: registry, hold))
            effects.reads.append(.init(registry: registry, extent: .everything))
        }
        reportedHolds = holding
    }
}
