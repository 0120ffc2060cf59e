package import Catalog
package import Deliveries
internal import IstioAPI
package import Logging
internal import Planning
internal import Services
internal import Snapshot
package import Sources
package import Translation

/// The middle of the street: events of the sources go in, the deliveries are told which resources may have changed and ask what
/// they should look like.
///
/// Nothing is decided before every delivery has told what it holds of ours, since addresses and hosts that were given out once
/// must stay; and nothing about a service before the registries that announced it have been read completely.
package actor Pipeline {
    let translator: Translator
    let deliveries: [any Delivery]
    let guardPolicy: GuardPolicy?
    let logger: Logger
    let clock: any Clock<Duration>
    private let sinceStart: @Sendable () -> Duration
    var catalog: CatalogStore
    var assignments = Assignments()
    /// Each with its endpoints, in whichever form.
    var resources: [ResourceKey: ServiceEntry] = [:]
    /// The endpoints that are objects of their own.
    var workloads: [ResourceKey: ServiceEntry.Endpoint] = [:]
    var problems: [ServiceID: [String]] = [:]
    /// Those whose resources are not yet what they should be, and since when (monotonic): they are translated when somebody asks,
    /// so that much that happens to one service at once costs one translation.
    var stale: [ServiceID: Duration] = [:]
    /// The deliveries that have not told yet what they hold.
    var unseeded: Set<String>
    /// When the first one did; monotonic.
    var firstSeed: Duration?
    /// Whether everything is known that is waited for, so that resources can be made.
    var hasBegun = false
    /// Whether every registry was ever read, or known from before.
    var isStarted = false
    /// How long the other deliveries wait for one that does not tell what it holds.
    static let patience = Duration.seconds(60)
    /// What a delivery asked for too early.
    var undecided: Set<ResourceKey> = []
    /// The same by their ServiceEntries, since nobody tells of an endpoint that has gone by the time its service is known.
    var undecidedWorkloads: [ResourceKey: Set<ResourceKey>] = [:]
    /// What each registry's source is asked to read again.
    package nonisolated let readRequests: [String: ReadRequests]
    /// What an earlier run remembered, until everything is known, and when it was recalled (monotonic).
    var recalled: [SnapshotRecord] = []
    var recallTime = Duration.zero
    /// What is still to be written of a snapshot.
    var snapshotOrder: ArraySlice<ServiceID> = []
    /// Called when something changed that a snapshot holds.
    let remembers: @Sendable () -> Void
    /// Called when every registry is followed and everything else is known that resources are made from, and when that is no longer so.
    private let followsAll: @Sendable (Bool) -> Void
    /// The registries whose losses are held, as far as that was told.
    var held: Set<String> = []
    /// Whether the sources are heard no more.
    var isConcluded = false
    /// The full reads of each registry.
    var fullReads: [String: FullReads]

    struct FullReads {
        /// When the one that goes on began; monotonic.
        var began: Duration?
        var count = 0
        /// When the last one came to its end (monotonic), and how long it took.
        let ended = AsyncStream.makeStream(
            of: (end: Duration, duration: Duration).self, bufferingPolicy: .bufferingNewest(1))
    }

    /// - Parameters:
    ///   - guardPolicy: `nil` believes every loss at once.
    ///   - remembers: Is told that something changed of what `snapshotPage` gives.
    ///   - followsAll: Is told when every registry is followed, and when that is no longer so.
    package init(
        policy: TranslationPolicy, guardPolicy: GuardPolicy?, registries: [String], deliveries: [any Delivery],
        logger: Logger, clock: any Clock<Duration> = ContinuousClock(), remembers: @escaping @Sendable () -> Void = {},
        followsAll: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        self.remembers = remembers
        self.followsAll = followsAll
        translator = Translator(policy: policy)
        self.guardPolicy = guardPolicy
        catalog = CatalogStore(registries: registries, policy: guardPolicy)
        readRequests = Dictionary(uniqueKeysWithValues: registries.map { ($0, ReadRequests()) })
        fullReads = Dictionary(uniqueKeysWithValues: registries.map { ($0, FullReads()) })
        self.deliveries = deliveries
        self.logger = logger
        self.clock = clock
        sinceStart = clock.elapsing()
        unseeded = Set(deliveries.map(\.name))
    }

    var now: Duration { sinceStart() }

    func tell(_ keys: some Sequence<ResourceKey>) {
        let sorted = keys.sorted()
        if sorted.isEmpty { return }
        for delivery in deliveries { delivery.changed(sorted) }
    }
}

// MARK: - From the sources

extension Pipeline {
    /// Takes what a source says, for as long as the task runs.
    /// - Parameter accepted: Called after each event.
    package nonisolated func follow(
        _ source: any Source, accepted: @escaping @Sendable () -> Void = {}
    ) async {
        guard let requests = readRequests[source.name] else { return }
        await source.run(requests: requests) { [self] event in
            await accept(event, from: source.name)
            accepted()
        }
    }

    package func accept(_ event: SourceEvent, from registry: String) {
        if isConcluded { return }
        let wasHealthy = catalog.isHealthy
        carryOut(catalog.apply(event, from: registry, now: now))
        noteRead(event, of: registry)
        healthMayChange(from: wasHealthy)
    }

    /// Once everything else is known, what is followed is all there is to know.
    func healthMayChange(from wasHealthy: Bool) {
        guard hasBegun, catalog.isHealthy != wasHealthy else { return }
        if !wasHealthy { decide() }
        followsAll(!wasHealthy)
    }

    /// What the catalog wants after a change of it.
    func carryOut(_ outcome: CatalogStore.Outcome) {
        for (registry, names) in outcome.reads { readRequests[registry]?.read(names) }
        noticeHolds()
        isStarted = isStarted || catalog.isComplete || !catalog.seededServices.isEmpty
        // Before, there is nothing better to remember than what was recalled.
        guard hasBegun, !outcome.changed.isEmpty else { return }
        translate(outcome.changed)
        remembers()
    }

    /// Has the deliveries ask again for what could not be decided.
    private func decide() {
        tell(undecided.union(undecidedWorkloads.values.joined()))
        undecided = []
        undecidedWorkloads = [:]
    }
}

// MARK: - Translation

extension Pipeline {
    /// At once is only translated what is new, since the choices that are made for it should not depend on who asks first, and what is
    /// empty, so that none of the times when somebody serves it is missed.
    func translate(_ ids: [ServiceID]) {
        var changed: [ResourceKey] = []
        for id in ids {
            let keys = keys(of: id)
            if !catalog.isDecidable(id) {
                if assignments.isPartlyEmpty(id) { assignments.noteServed(catalog.service(id)) }
            } else if keys.isEmpty || assignments.isPartlyEmpty(id) {
                stale[id] = nil
                translate(id, &changed, now: now)
            } else {
                stale[id] = now
                changed += keys
            }
        }
        tell(changed)
    }

    func keys(of id: ServiceID) -> [ResourceKey] {
        assignments[id]?.objects.values.map { ResourceKey(namespace: translator.policy.namespace, name: $0.name) } ?? []
    }

    /// - Parameter key: What somebody just asks for, who need not be told of it.
    func refresh(_ id: ServiceID, askedFor key: ResourceKey? = nil) {
        guard let time = stale.removeValue(forKey: id) else { return }
        var changed: [ResourceKey] = []
        translate(id, &changed, now: time)
        tell(changed.filter { $0 != key })
    }

    private func translate(_ id: ServiceID, _ changed: inout [ResourceKey], now: Duration) {
        let outcome = translator.translate(catalog.service(id), &assignments, now: now)
        for resource in outcome.resources where resources[resource.key] != resource {
            changed.append(resource.key)
            changed += updateWorkloads(from: resources[resource.key], to: resource)
            changed += undecidedWorkloads.removeValue(forKey: resource.key) ?? []
            resources[resource.key] = resource
        }
        report(outcome.problems, of: id)
    }

    private func report(_ new: [String], of id: ServiceID) {
        guard new != problems[id, default: []] else { return }
        problems[id] = new.isEmpty ? nil : new
        for problem in new {
            logger.error(
                "a service is not carried into the mesh as it is; its last good form goes on",
                metadata: ["service": "\(id)", "reason": "\(problem)"])
        }
    }

    /// Removes entries that have been empty for long enough, for as long as the task runs.
    package func expireEmptyEntries() async {
        let retention = translator.policy.emptyRetention
        while !Task.isCancelled {
            // Whatever becomes empty from now on is due later than this; what was empty before the start is not known yet.
            let due = hasBegun ? nextExpiry(retention) ?? now + retention : now + min(retention, Self.patience)
            try? await Task.sleep(for: max(due - now, .seconds(1)), clock: clock)
            if Task.isCancelled { return }
            // A registry that can't be followed may have got the service back meanwhile.
            if catalog.isHealthy { expire(retention) }
        }
    }

    private func nextExpiry(_ retention: Duration) -> Duration? {
        let times = [assignments.nextExpiry(retention: retention), stale.values.min().map { $0 + retention }]
        return times.compactMap(\.self).min()
    }

    private func expire(_ retention: Duration) {
        for (id, time) in stale where now - time >= retention { refresh(id) }
        let names = assignments.expire(now: now, retention: retention) { catalog.isDecidable($0) && stale[$0] == nil }
        let keys = names.map { ResourceKey(namespace: translator.policy.namespace, name: $0) }
        for key in keys {
            if let resource = resources.removeValue(forKey: key) { tell(updateWorkloads(from: resource, to: nil)) }
        }
        tell(keys)
        if !keys.isEmpty { remembers() }
        // The virtual addresses and hosts that became free may be just what others lack.
        if !keys.isEmpty { translate(problems.keys.sorted()) }
    }
}
