package import Catalog
internal import IstioAPI
internal import Services
package import Sources
package import Translation

/// The decisions between the registries and the deliveries: source events go in, deliveries are told which resources
/// may have changed and ask how each should look.
///
/// Nothing is decided before every delivery has told what it holds of ours, since a host and an address that were given
/// out once must stay. Nothing is decided about a service before the registries that announced it have been read
/// completely. A registry that can't be followed freezes only what it is known to announce.
///
/// A pure state machine. Each method takes the time (monotonic) and returns the effects that its owner performs. The
/// large tables stand beside the phase and not in it: a table in an enum case would be copied when it is changed.
package struct PipelineStateMachine: Sendable {
    let translator: Translator
    var catalog: CatalogStore
    var assignments = Assignments()
    var table: ResourceTable
    /// The services whose resources are not yet what they should be, and since when. A service is translated when
    /// somebody asks, so that much that happens to it at once costs one translation.
    var outdated: [ServiceID: Duration] = [:]
    /// Why services are not delivered as their registries describe them.
    var problems: [ServiceID: PipelineProblem] = [:]
    /// The services that the limit of objects refuses, and how much room there was when it did.
    var crowdedOut: [ServiceID: Int] = [:]
    var undecided = UndecidedKeys()
    /// The ServiceEntries that have expired while some registry could not be followed.
    var expired: Set<ResourceKey> = []
    var phase: PipelinePhase
    var fullReads: [String: FullRead]
    /// The registries of which something is held, and whether that was reported.
    var holds: [String: HoldReporting] = [:]
    /// Whether services were known from before the start.
    var hadSeeds = false
    var snapshotCursor: ArraySlice<ServiceID> = []

    /// How long the other deliveries wait for one that does not tell what it holds, from the first one on that does.
    package static let patience = Duration.seconds(60)

    /// - Parameters:
    ///   - guardPolicy: `nil` believes every loss at once.
    ///   - deliveries: The names of those that tell what they hold.
    package init(
        policy: TranslationPolicy, guardPolicy: GuardPolicy?, limits: PipelineLimits = PipelineLimits(),
        registries: [String], deliveries: [String]
    ) {
        translator = Translator(policy: policy)
        catalog = CatalogStore(registries: registries, policy: guardPolicy, limits: limits.catalog)
        table = ResourceTable(rule: policy.outlierRule, limit: limits.objects)
        fullReads = Dictionary(uniqueKeysWithValues: registries.map { ($0, .none) })
        phase = .awaitingSeeds(.init(deliveries: Set(deliveries)))
    }
}

// MARK: - Source events

extension PipelineStateMachine {
    package mutating func accept(_ event: SourceEvent, from registry: String, now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        if case .concluded = phase { return effects }
        let (healthy, followedAny) = (catalog.healthyCount, catalog.isPartlyHealthy)
        take(catalog.apply(event, from: registry, now: now), now: now, &effects)
        noteFullRead(event, of: registry, now: now)
        noteFollowing(healthy: healthy, followedAny: followedAny, &effects)
        return effects
    }

    /// Carries on what the catalog says of a change of it.
    mutating func take(_ outcome: CatalogStore.Outcome, now: Duration, _ effects: inout PipelineEffects) {
        for (registry, names) in outcome.reads {
            effects.reads.append(.init(registry: registry, extent: .names(names)))
        }
        reportHolds(now: now, &effects)
        hadSeeds = hadSeeds || !catalog.seededServices.isEmpty
        // Before the beginning there is nothing better to remember than what was recalled.
        guard phase.hasBegun, !outcome.changed.isEmpty else { return }
        update(outcome.changed, now: now, &effects)
        effects.changesSnapshot = true
    }

    /// Once a registry is followed, more is known to be unwanted: what was undecided may be decided.
    /// - Parameters:
    ///   - healthy: How many registries were followed before.
    ///   - followedAny: Whether there were any.
    mutating func noteFollowing(healthy: Int, followedAny: Bool, _ effects: inout PipelineEffects) {
        guard phase.hasBegun else { return }
        if catalog.healthyCount > healthy { undecided.takeAll(&effects.changed) }
        if catalog.isHealthy { expired = [] }
        if catalog.isPartlyHealthy != followedAny { effects.followsAny = !followedAny }
    }
}

// MARK: - Translation

extension PipelineStateMachine {
    var everyService: Set<ServiceID> { catalog.serviceIDs.union(assignments.serviceIDs) }

    /// Brings services up to date. A service is translated at once where it is new, since the choices that are made for
    /// it should not depend on who asks first, and where it is empty, so that no moment is missed at which somebody
    /// serves it.
    mutating func update(_ ids: [ServiceID], now: Duration, _ effects: inout PipelineEffects) {
        for id in ids {
            if !catalog.isDecidable(id) {
                if assignments.isEmpty(id) { assignments.noteServed(catalog.service(id)) }
            } else if let key = key(of: id), !assignments.isEmpty(id) {
                outdated[id] = now
                effects.changed.append(key)
            } else {
                outdated[id] = nil
                translate(id, now: now, &effects)
            }
        }
        fillRoom(now: now, &effects)
    }

    /// Translates a service that is outdated.
    mutating func refresh(_ id: ServiceID, _ effects: inout PipelineEffects) {
        guard let time = outdated.removeValue(forKey: id) else { return }
        translate(id, now: time, &effects)
        fillRoom(now: time, &effects)
    }

    /// Objects went, so that services may come which the limit of objects refused.
    private mutating func fillRoom(now: Duration, _ effects: inout PipelineEffects) {
        if crowdedOut.isEmpty { return }
        let room = table.room(services: assignments.count)
        if room == 0 { return }
        for id in crowdedOut.filter({ $0.value < room }).keys.sorted().prefix(room) {
            outdated[id] = nil
            translate(id, now: now, &effects)
        }
    }

    private mutating func translate(_ id: ServiceID, now: Duration, _ effects: inout PipelineEffects) {
        let service = catalog.service(id)
        var outcome: Translator.Outcome
        var isCrowdedOut = false
        if assignments[id] == nil, table.isFull(services: assignments.count),
            service.instances.contains(where: \.wantsTraffic)
        {
            // What was there first stays.
            outcome = Translator.Outcome(problem: table.refusal)
            isCrowdedOut = true
        } else {
            outcome = translator.translate(service, &assignments, now: now)
        }
        if let entry = outcome.resource, !entry.isInline, !table.hasRoom(forWorkloadsOf: entry) {
            let inlined = entry.inlined
            isCrowdedOut = true
            outcome = inlined.violations.isEmpty ? .init(resource: inlined) : .init(problem: table.refusal)
        }
        if let entry = outcome.resource {
            if table.update(entry, &effects.changed) { undecided.takeWorkloads(of: entry.key, &effects.changed) }
            if let count = table.leftOut[entry.key] {
                isCrowdedOut = true
                outcome.problem = "\(count) of its endpoints: \(table.refusal)"
            }
        }
        note(outcome, of: id, isCrowdedOut: isCrowdedOut, &effects)
        let holder = outcome.hostHolder ?? id
        if assignments.isInTheWay(holder) { expire(now: now, &effects) { $0 == holder } }
    }

    private mutating func note(
        _ outcome: Translator.Outcome, of id: ServiceID, isCrowdedOut: Bool, _ effects: inout PipelineEffects
    ) {
        crowdedOut[id] = isCrowdedOut ? table.room(services: assignments.count) : nil
        let problem = outcome.problem.map { reason in
            PipelineProblem(
                reason: reason,
                effect: outcome.resource != nil ? .partial : assignments[id] == nil ? .absent : .lastGood)
        }
        if problem == problems[id] { return }
        problems[id] = problem
        if let problem { effects.reports.append(.notDelivered(id, problem)) }
    }

    func key(ofObject name: String) -> ResourceKey {
        ResourceKey(namespace: translator.policy.namespace, name: name)
    }

    /// The ServiceEntry of a service; `nil` where it has none.
    func key(of id: ServiceID) -> ResourceKey? {
        assignments[id].map { key(ofObject: $0.objectName) }
    }

    /// The service that a resource belongs to; `nil` where none is known.
    func service(of key: ResourceKey) -> ServiceID? {
        // What stands where an earlier configuration put it is not wanted there.
        guard key.namespace == translator.policy.namespace else { return nil }
        let entry = key.kind == .serviceEntry ? key : WorkloadEntry.serviceEntry(ofWorkload: key)
        return entry.flatMap { assignments.service(ofObject: $0.name) }
    }
}
