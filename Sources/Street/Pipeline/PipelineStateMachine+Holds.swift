package import Catalog
internal import Sources

extension PipelineStateMachine {
    /// How long a hold of a registry that answered with nothing at all has to last before it is told of. A root that is
    /// made again is empty for a moment.
    static let doubtfulHold = Duration.seconds(2)

    /// Believes what a registry says, although it looked like a failure, and lets go what is left over of it.
    /// - Parameter service: Only of this one; see `CatalogStore.release`.
    /// - Returns: `nil` where there is nothing to let go.
    package mutating func release(
        _ registry: String, service: String? = nil, now: Duration
    ) -> (release: CatalogStore.Release, effects: PipelineEffects)? {
        guard let (release, outcome) = catalog.release(registry, service: service, now: now) else { return nil }
        var effects = PipelineEffects()
        effects.reports.append(.holdReleased(registry: registry, release))
        if !catalog.holding.contains(registry) { holds[registry] = nil }
        take(outcome, now: now, &effects)
        return (release, effects)
    }

    /// When `wake` should be called; monotonic. `nil` where no removal waits and nothing is held.
    package var nextWake: Duration? {
        let reports = holds.values.lazy.compactMap(\.dueTime)
        return [catalog.nextWake, fullReads.values.lazy.compactMap(\.dueTime).min(), reports.min()].compactMap(\.self)
            .min()
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

    /// Reports the holds that still wait for that, since there is no later.
    package mutating func reportDoubtfulHolds() -> PipelineEffects {
        var effects = PipelineEffects()
        for registry in holds.keys.sorted() where holds[registry] != .told {
            guard let hold = catalog.report(on: registry)?.hold else { continue }
            holds[registry] = .told
            effects.reports.append(.holdBegan(registry: registry, hold))
        }
        return effects
    }

    /// Reports holds that began or ended. An event of one registry can end the hold of another.
    mutating func reportHolds(now: Duration, _ effects: inout PipelineEffects) {
        let holding = catalog.holding
        if holding.isEmpty, holds.isEmpty { return }
        for (registry, report) in holds.sorted(by: { $0.key < $1.key }) where !holding.contains(registry) {
            if report == .told { effects.reports.append(.holdEnded(registry: registry)) }
            holds[registry] = nil
        }
        for registry in holding.sorted() where holds[registry] != .told {
            guard let hold = catalog.report(on: registry)?.hold else { continue }
            if holds[registry] == nil { effects.reads.append(.init(registry: registry, extent: .everything)) }
            let pause = hold.cause == .emptyAnswer ? Self.doubtfulHold : .zero
            let time = holds[registry]?.dueTime ?? now + pause
            holds[registry] = time <= now ? .told : .due(at: time)
            if time <= now { effects.reports.append(.holdBegan(registry: registry, hold)) }
        }
    }
}

/// Whether people were told of a hold.
enum HoldReporting: Sendable, Hashable {
    /// They are told at this time, if it still goes on; monotonic.
    case due(at: Duration)
    case told

    var dueTime: Duration? {
        if case .due(let time) = self { time } else { nil }
    }
}
