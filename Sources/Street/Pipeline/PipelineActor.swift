package import Catalog
internal import Concurrency
package import Deliveries
package import IstioAPI
package import Logging
package import Planning
package import Services
package import Snapshot
package import Sources
package import Translation

/// The owner of a `PipelineStateMachine`: it holds the clock, performs the effects, and answers the deliveries.
package actor PipelineActor {
    private var machine: PipelineStateMachine
    private let deliveries: [any Delivery]
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    /// The requests to the source of each registry.
    package nonisolated let readRequests: [String: ReadRequests]
    /// Signals that the state machine wants to be woken earlier than `keepTime` sleeps.
    private let alarms = EventCount()
    /// Signals that the state machine has handled an event.
    private let progress = EventCount()
    /// The time until which `keepTime` sleeps; `nil` where it sleeps until a signal.
    private var alarm: Duration?
    private let changesSnapshot: @Sendable () -> Void
    private let followsAny: @Sendable (Bool) -> Void

    /// - Parameters:
    ///   - guardPolicy: `nil` believes every loss at once.
    ///   - changesSnapshot: Called when something changed that `snapshotPage` gives.
    ///   - followsAny: Called when some registry is followed, and when that is no longer so.
    package init(
        policy: TranslationPolicy, guardPolicy: GuardPolicy?, limits: PipelineLimits = PipelineLimits(),
        registries: [String], deliveries: [any Delivery],
        logger: Logger, clock: any Clock<Duration> = ContinuousClock(),
        changesSnapshot: @escaping @Sendable () -> Void = {},
        followsAny: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        machine = PipelineStateMachine(
            policy: policy, guardPolicy: guardPolicy, limits: limits, registries: registries,
            deliveries: deliveries.map(\.name))
        readRequests = Dictionary(uniqueKeysWithValues: registries.map { ($0, ReadRequests()) })
        self.deliveries = deliveries
        self.logger = logger
        self.clock = clock
        stopwatch = Stopwatch(clock)
        self.changesSnapshot = changesSnapshot
        self.followsAny = followsAny
    }

    /// The time since the start; monotonic.
    package nonisolated var now: Duration { stopwatch.elapsed }

    private func perform(_ effects: PipelineEffects) {
        for read in effects.reads {
            switch read.extent {
            case .everything: readRequests[read.registry]?.readEverything()
            case .names(let names): readRequests[read.registry]?.read(names)
            }
        }
        for report in effects.reports { logger.log(report) }
        if !effects.changed.isEmpty {
            let keys = effects.changed.sorted()
            for delivery in deliveries { delivery.changed(keys) }
        }
        if effects.changesSnapshot { changesSnapshot() }
        if let follows = effects.followsAny { followsAny(follows) }
        if let time = machine.nextWake, alarm.map({ time < $0 }) ?? true {
            alarm = time
            alarms.signal()
        }
        progress.signal()
    }

    private func perform<Answer>(_ outcome: (answer: Answer, effects: PipelineEffects)) -> Answer {
        perform(outcome.effects)
        return outcome.answer
    }
}

// MARK: - Sources

extension PipelineActor {
    /// Accepts the events of a source for as long as the task runs.
    /// - Parameter accepted: Called after each event.
    package nonisolated func follow(_ source: any Source, accepted: @escaping @Sendable () -> Void = {}) async {
        guard let requests = readRequests[source.name] else { return }
        await source.run(requests: requests) { [self] event in
            await accept(event, from: source.name)
            accepted()
        }
    }

    package func accept(_ event: SourceEvent, from registry: String) {
        perform(machine.accept(event, from: registry, now: now))
    }

    /// Releases what is held or left over of a registry.
    /// - Parameter service: Only of this one; see `CatalogStore.release`.
    /// - Returns: `nil` where there is nothing.
    package func release(_ registry: String, service: String? = nil) -> CatalogStore.Release? {
        guard let (release, effects) = machine.release(registry, service: service, now: now) else { return nil }
        perform(effects)
        return release
    }
}

// MARK: - Time

extension PipelineActor {
    /// Begins without the deliveries that don't tell what they hold, when the others have waited long enough.
    package func waitForDeliveries() async {
        while !Task.isCancelled, let deadline = machine.deadline(now: now) {
            try? await Task.sleep(for: deadline - now, clock: clock)
            perform(machine.stopWaiting(now: now))
        }
    }

    /// Removes entries that have been empty for long enough, for as long as the task runs.
    package func expireEmptyEntries() async {
        while !Task.isCancelled {
            let now = now
            try? await Task.sleep(for: max(machine.nextExpiry(now: now) - now, .seconds(1)), clock: clock)
            if Task.isCancelled { return }
            perform(machine.expire(now: self.now))
        }
    }

    /// Judges removals that waited for the settle time, and has registries read again whose losses are held, for as
    /// long as the task runs.
    package func keepTime() async {
        while !Task.isCancelled {
            let ticket = alarms.ticket
            alarm = machine.nextWake
            guard let alarm else {
                await alarms.wait(after: ticket)
                continue
            }
            if alarm > now {
                _ = await stopwatch.run(within: alarm - now) { [alarms] in await alarms.wait(after: ticket) }
            }
            if !Task.isCancelled { wake() }
        }
    }

    /// Does what is due.
    package func wake() {
        if let time = machine.nextWake, time <= now { perform(machine.wake(now: now)) }
    }
}

// MARK: - Deliveries

extension PipelineActor: DesiredState {
    package func seed(_ objects: [ActualObject], from delivery: String) {
        perform(machine.seed(objects, from: delivery, now: now))
    }

    package func adopt(_ objects: [ActualObject], from delivery: String) {
        let leadsElsewhere = deliveries.contains { $0.name != delivery && $0.isLed }
        perform(machine.adopt(objects, leadsElsewhere: leadsElsewhere, now: now))
    }

    package func wanted(_ key: ResourceKey) -> Wanted { perform(machine.wanted(key)) }

    package func mayBeWanted(_ key: ResourceKey) -> Bool { machine.mayBeWanted(key) }

    package func departure(ofWorkload key: ResourceKey) -> WorkloadDeparture? {
        perform(machine.departure(ofWorkload: key))
    }

    package func everyKey() -> [ResourceKey] { machine.everyKey }

    package func settled() async {
        while !Task.isCancelled {
            let ticket = progress.ticket
            if machine.isSettled { return }
            await progress.wait(after: ticket)
        }
    }

    package func delivered(_ receipt: Receipt) {
        logger.trace("receipt", metadata: ["resource": "\(receipt.key)", "outcome": "\(receipt.outcome)"])
    }
}

// MARK: - Snapshot

extension PipelineActor: SnapshotSource {
    /// Takes over the snapshot of an earlier run. To be called before anything else.
    package func recall(_ records: [SnapshotRecord]) {
        perform(machine.recall(records, now: now))
    }

    package func snapshotPage(after id: ServiceID?, limit: Int) -> [SnapshotRecord] {
        perform(machine.snapshotPage(after: id, limit: limit, now: now))
    }
}

// MARK: - Status and one-shot reconcile

extension PipelineActor {
    /// - Parameter problemLimit: How many problems to tell of.
    package func overview(problemLimit: Int) -> PipelineOverview { machine.overview(problemLimit: problemLimit) }

    /// All resources that are wanted, sorted.
    package func everyResource() -> [Resource] { perform(machine.everyResource()) }

    /// Hears the registries no more, once all have been read completely and are followed.
    /// - Returns: Whether that is so.
    package func concludeIfSettled() -> Bool { reportingHolds(machine.concludeIfSettled()) }

    /// Returns when the registries are heard no more, or the task is cancelled.
    package func concludeWhenSettled() async {
        while !Task.isCancelled {
            let ticket = progress.ticket
            if concludeIfSettled() { return }
            await progress.wait(after: ticket)
        }
    }

    /// Hears the registries no more, although some could not be read: nothing is decided of what these announce.
    /// - Returns: Whether the others are settled.
    package func concludePartly() -> Bool { reportingHolds(machine.concludePartly()) }

    private func reportingHolds(_ isConcluded: Bool) -> Bool {
        if isConcluded { perform(machine.reportDoubtfulHolds()) }
        return isConcluded
    }

    /// The registries without which it can't be said how a resource should look.
    package func undecided(_ key: ResourceKey) -> [String] { machine.undecided(key) }

    /// The registries that were not read completely or can't be followed, and why.
    package var unreadRegistries: [(name: String, reason: String)] { machine.unreadRegistries }
}
