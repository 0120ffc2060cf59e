package import Catalog
package import Deliveries
internal import IstioAPI
package import Logging
internal import Planning
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
    var resources: [ResourceKey: ServiceEntry] = [:]
    var problems: [ServiceID: [String]] = [:]
    var unseeded: Set<String>
    /// What a delivery asked for too early.
    var undecided: Set<ResourceKey> = []
    /// What each registry's source is asked to read again.
    package nonisolated let readRequests: [String: ReadRequests]
    /// What is still to be written of a snapshot.
    var snapshotOrder: ArraySlice<ServiceID> = []
    /// Called when something changed that a snapshot holds.
    private let remembers: @Sendable () -> Void
    /// The registries whose losses are held, as far as that was told.
    var held: Set<String> = []
    /// Whether the sources are heard no more.
    var isConcluded = false
    let holdBegins: [String: (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)]

    /// - Parameters:
    ///   - guardPolicy: `nil` believes every loss at once.
    ///   - remembers: Is told that something changed of what `snapshotPage` gives.
    package init(
        policy: TranslationPolicy, guardPolicy: GuardPolicy?, registries: [String], deliveries: [any Delivery],
        logger: Logger, clock: any Clock<Duration> = ContinuousClock(), remembers: @escaping @Sendable () -> Void = {}
    ) {
        self.remembers = remembers
        translator = Translator(policy: policy)
        self.guardPolicy = guardPolicy
        catalog = CatalogStore(registries: registries, policy: guardPolicy)
        readRequests = Dictionary(uniqueKeysWithValues: registries.map { ($0, ReadRequests()) })
        holdBegins = Dictionary(
            uniqueKeysWithValues: registries.map {
                ($0, AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)))
            })
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
        if unseeded.isEmpty, !wasHealthy, catalog.isHealthy { decide() }
        noticeHold(of: registry)
    }

    /// What the catalog wants after a change of it.
    func carryOut(_ outcome: CatalogStore.Outcome) {
        for (registry, names) in outcome.reads { readRequests[registry]?.read(names) }
        for registry in outcome.holds { noticeHold(of: registry) }
        if unseeded.isEmpty { translate(outcome.changed) }
        if !outcome.changed.isEmpty { remembers() }
    }

    /// Has the deliveries ask again for what could not be decided.
    func decide() {
        tell(undecided)
        undecided = []
    }
}

// MARK: - Translation

extension Pipeline {
    func translate(_ ids: [ServiceID]) {
        var changed: [ResourceKey] = []
        for id in ids where catalog.isDecidable(id) { translate(id, &changed) }
        tell(changed)
    }

    private func translate(_ id: ServiceID, _ changed: inout [ResourceKey]) {
        let outcome = translator.translate(catalog.service(id), &assignments, now: now)
        for resource in outcome.resources where resources[resource.key] != resource {
            resources[resource.key] = resource
            changed.append(resource.key)
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
            // Whatever becomes empty from now on is due later than this.
            let due = assignments.nextExpiry(retention: retention) ?? now + retention
            try? await Task.sleep(for: max(due - now, .seconds(1)), clock: clock)
            if Task.isCancelled { return }
            // A registry that can't be followed may have got the service back meanwhile.
            if catalog.isHealthy { expire(retention) }
        }
    }

    private func expire(_ retention: Duration) {
        let names = assignments.expire(now: now, retention: retention)
        let keys = names.map { ResourceKey(namespace: translator.policy.namespace, name: $0) }
        for key in keys { resources[key] = nil }
        tell(keys)
        if !keys.isEmpty { remembers() }
        // The virtual addresses and hosts that became free may be just what others lack.
        if !keys.isEmpty { translate(problems.keys.sorted()) }
    }
}
