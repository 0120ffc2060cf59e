internal import Catalog
package import Deliveries
package import IstioAPI
package import Planning
internal import Services
internal import Translation

// MARK: - Seeds

extension PipelineStateMachine {
    /// Takes over what a delivery held of ours when it began. When it was the last one that was waited for, the
    /// pipeline begins.
    package mutating func seed(_ objects: [ActualObject], from delivery: String, now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        let known = translator.services(in: objects)
        switch phase {
        case .awaitingSeeds(var awaited):
            awaited.deliveries.remove(delivery)
            awaited.deadline = awaited.deadline ?? now + Self.patience
            phase = .awaitingSeeds(awaited)
            for service in known { translator.seed(&assignments, from: service) }
            let isLast = awaited.deliveries.isEmpty
            take(catalog.seed(known.map(\.seed), isLast: isLast, now: now), now: now, &effects)
            if isLast { begin(awaited, now: now, &effects) }
        case .begun(var late):
            late.remove(delivery)
            phase = .begun(late: late)
            addLate(known, delivery, now: now, &effects)
        case .concluded:
            addLate(known, delivery, now: now, &effects)
        }
        return effects
    }

    /// When the pipeline begins without the deliveries that have not told what they hold, so that one cluster that
    /// can't be reached does not keep the others from being served.
    /// - Returns: `nil` where nobody waits for a delivery any more. As long as no delivery has told, the time moves on.
    package func deadline(now: Duration) -> Duration? {
        guard case .awaitingSeeds(let awaited) = phase else { return nil }
        return awaited.deadline ?? now + Self.patience
    }

    /// Begins without the deliveries that have not told what they hold, where the deadline has passed.
    package mutating func stopWaiting(now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        guard case .awaitingSeeds(let awaited) = phase, let deadline = awaited.deadline, now >= deadline else {
            return effects
        }
        effects.reports.append(.begunWithout(awaited.deliveries.sorted()))
        take(catalog.seed([], now: now), now: now, &effects)
        begin(awaited, now: now, &effects)
        return effects
    }

    private mutating func begin(
        _ awaited: PipelinePhase.AwaitedSeeds, now: Duration, _ effects: inout PipelineEffects
    ) {
        phase = .begun(late: awaited.deliveries)
        if let memory = awaited.memory { seedAssignments(from: memory) }
        effects.changesSnapshot = true
        update(everyService.sorted(), now: now, &effects)
        noteFollowing(healthy: 0, followedAny: false, &effects)
    }

    private mutating func addLate(
        _ known: [OwnedService], _ delivery: String, now: Duration, _ effects: inout PipelineEffects
    ) {
        effects.reports.append(.deliveryReady(delivery))
        add(known, now: now, &effects)
    }

    /// Takes over services, and for those that are not known yet the choices that were made for them. An endpoint that
    /// only these objects show is a loss like any other, and waits for a registry that can't be read.
    private mutating func add(_ known: [OwnedService], now: Duration, _ effects: inout PipelineEffects) {
        for service in known where assignments[service.id] == nil { translator.seed(&assignments, from: service) }
        take(catalog.seed(known.map(\.seed), isLast: phase.hasBegun, now: now), now: now, &effects)
    }
}

// MARK: - Adoption

extension PipelineStateMachine {
    /// Takes over what another replica, which led, made of the services.
    /// - Parameter leadsElsewhere: Whether this replica leads another delivery. There its own choices stand, and what
    ///   it knows.
    package mutating func adopt(
        _ objects: [ActualObject], leadsElsewhere: Bool, now: Duration
    ) -> PipelineEffects {
        var effects = PipelineEffects()
        let known = translator.services(in: objects)
        if !leadsElsewhere { catalog.adopt(known.map(\.seed)) }
        guard phase.hasBegun else {
            add(known, now: now, &effects)
            return effects
        }
        if leadsElsewhere {
            catalog.keep(known.map(\.seed))
            add(known, now: now, &effects)
        } else {
            releaseHeld(missingIn: known, now: now, &effects)
            adoptChoices(of: known, now: now, &effects)
        }
        return effects
    }

    private mutating func adoptChoices(
        of known: [OwnedService], now: Duration, _ effects: inout PipelineEffects
    ) {
        var others = Assignments()
        for service in known { translator.seed(&others, from: service) }
        assignments.adopt(others)
        let before = Array(table.entries.keys) + table.workloads.keys
        outdated = [:]
        table = ResourceTable(rule: table.rule, limit: table.limit)
        update(everyService.sorted(), now: now, &effects)
        effects.changed += before.filter { service(of: $0) == nil }
    }

    /// What the replica that led has released is not held here either.
    private mutating func releaseHeld(
        missingIn known: [OwnedService], now: Duration, _ effects: inout PipelineEffects
    ) {
        var shown: [ServiceID: Set<Endpoint>] = [:]
        let held = catalog.heldServices
        for service in known where held.contains(service.id) {
            shown[service.id, default: []].formUnion(service.instances.map(\.endpoint))
        }
        take(catalog.adopt(shown, now: now), now: now, &effects)
    }
}

// MARK: - Questions

extension PipelineStateMachine {
    /// How a resource should be. The service that it belongs to is brought up to date.
    package mutating func wanted(_ key: ResourceKey) -> (answer: Wanted, effects: PipelineEffects) {
        var effects = PipelineEffects()
        let id = service(of: key)
        let entry = WorkloadEntry.serviceEntry(ofWorkload: key)
        // A delivery is told of a service's endpoints and of the service itself. If each endpoint asked for all that
        // happened since, much that happens to a large service would be translated over and over.
        if let id, entry.map({ table.entries[$0] == nil }) ?? true {
            refresh(id, &effects)
            // The one who asks need not be told.
            effects.changed.removeAll { $0 == key }
        }
        if let resource = table[key] { return (.present(resource), effects) }
        // Services that are not translated yet have hosts too.
        if let rule = table.rule, rule.key == key, !outdated.isEmpty {
            return (.present(.destinationRule(rule)), effects)
        }
        // A service is known together with its endpoints.
        if let entry, table.entries[entry] != nil { return (.absent, effects) }
        if id == nil, certainty.coversUnowned(key) { return (.absent, effects) }
        undecided.insert(key)
        return (.undecided, effects)
    }

    /// Whether the resource may be wanted, as far as that is known without translating.
    package func mayBeWanted(_ key: ResourceKey) -> Bool {
        // A WorkloadEntry is small and need not wait.
        key.kind == .serviceEntry && service(of: key) != nil
    }

    /// Why a WorkloadEntry is not wanted; `nil` where it is, or not enough is known to say.
    package mutating func departure(
        ofWorkload key: ResourceKey
    ) -> (answer: WorkloadDeparture?, effects: PipelineEffects) {
        // In this order: the question may be what has the service translated.
        let (wanted, effects) = wanted(key)
        let entry = WorkloadEntry.serviceEntry(ofWorkload: key).flatMap { table[$0] }
        return (WorkloadDeparture(wanted, of: entry), effects)
    }

    /// The keys of all resources that are wanted, in any order.
    package var everyKey: [ResourceKey] {
        let entries = Set(table.entries.keys).union(outdated.keys.compactMap { key(of: $0) })
        let rules = entries.isEmpty ? [] : [table.rule?.key].compactMap(\.self)
        return Array(entries) + table.workloads.keys + rules
    }
}

// MARK: - One-shot reconcile

extension PipelineStateMachine {
    /// Whether every registry has been read completely, twice where that is needed.
    package var isSettled: Bool { phase.hasBegun && catalog.isComplete && catalog.isSettled }

    /// All resources that are wanted, sorted.
    package mutating func everyResource() -> (answer: [Resource], effects: PipelineEffects) {
        var effects = PipelineEffects()
        for id in outdated.keys.sorted() { refresh(id, &effects) }
        return (table.resources.sorted { $0.key < $1.key }, effects)
    }

    /// Hears the registries no more, once all have been read completely, twice where that is needed, and are followed.
    /// A source that loses its connection because it is stopped makes nothing undecided again.
    /// - Returns: Whether that is so.
    package mutating func concludeIfSettled() -> Bool {
        if case .concluded = phase { return true }
        guard phase.hasBegun, catalog.isComplete, catalog.isSettled, catalog.isHealthy else { return false }
        phase = .concluded
        return true
    }

    /// Hears the registries no more, although some can't be read. Of what these announce, nothing is decided. What waits
    /// for a second read stays.
    /// - Returns: Whether any registry could be read.
    package mutating func concludePartly() -> Bool {
        if case .concluded = phase { return true }
        guard phase.hasBegun, catalog.isPartlyHealthy else { return false }
        phase = .concluded
        return true
    }

    /// The registries without which it can't be said how a resource should look; empty where that can be said, as far
    /// as registries matter.
    package func undecided(_ key: ResourceKey) -> [String] {
        guard let id = service(of: key) else { return catalog.isHealthy ? [] : unreadRegistries.map(\.name) }
        return catalog.unhealthy(id, announcedBy: assignments[id]?.registries ?? [])
    }
}
