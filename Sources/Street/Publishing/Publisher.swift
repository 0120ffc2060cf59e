internal import Concurrency
package import Deliveries
package import IstioAPI
package import Logging
package import Planning
package import Sources

/// What the deliveries ask, where operators publish objects beside the services of the registries.
///
/// It answers for published objects, and passes everything else on. Where both have an object of one name, that of the
/// registries stands. The owner of the `Publications`: it holds the clock and performs their effects.
package actor Publisher {
    private let services: any DesiredState
    private var centres: [Publications]
    private let deliveries: [any Delivery]
    private let logger: Logger
    private let stopwatch: Stopwatch
    /// Objects of configuration centres that are not configured any more: they stay as they are.
    private var orphans: Set<ResourceKey> = []
    /// Signals that a configuration centre wants to be woken earlier than `keepTime` sleeps.
    private let alarms = EventCount()

    /// - Parameter services: Answers for everything that was not published.
    package init(
        _ centres: [Publications], besides services: any DesiredState, deliveries: [any Delivery], logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.services = services
        self.centres = centres
        self.deliveries = deliveries
        self.logger = logger
        stopwatch = Stopwatch(clock)
    }

    /// The time since the start; monotonic.
    package nonisolated var now: Duration { stopwatch.elapsed }
}

// MARK: - Sources and time

extension Publisher {
    /// Accepts the events of a source for as long as the task runs.
    /// - Parameter accepted: Called after each event.
    package nonisolated func follow(
        _ source: any ConfigurationSource, accepted: @escaping @Sendable () -> Void = {}
    ) async {
        await source.run { [self] event in
            await accept(event, from: source.name)
            accepted()
        }
    }

    package func accept(_ event: ConfigurationEvent, from centre: String) {
        guard let index = centres.firstIndex(where: { $0.name == centre }) else { return }
        perform(centres[index].accept(event, now: now), index)
    }

    /// Judges removals that have waited, for as long as the task runs.
    /// - Parameter woke: Called after each time.
    package func keepTime(woke: @Sendable () -> Void = {}) async {
        while !Task.isCancelled {
            let ticket = alarms.ticket
            guard let alarm = centres.compactMap(\.nextWake).min() else {
                await alarms.wait(after: ticket)
                continue
            }
            if alarm > now {
                _ = await stopwatch.run(within: alarm - now) { [alarms] in await alarms.wait(after: ticket) }
            }
            if Task.isCancelled { return }
            wake()
            woke()
        }
    }

    package func wake() {
        for index in centres.indices {
            if let time = centres[index].nextWake, time <= now { perform(centres[index].wake(now: now), index) }
        }
    }

    private func perform(_ effects: Publications.Effects, _ index: Int) {
        let centre = centres[index]
        for (document, reason) in effects.problems.sorted(by: { $0.key < $1.key }) {
            logger.error(
                "published configuration left out",
                metadata: ["centre": "\(centre.name)", "document": "\(document)", "reason": "\(reason)"])
        }
        if effects.holdBegan {
            logger.critical(
                "removals of published objects held: they look like a failure of the configuration centre",
                metadata: [
                    "centre": "\(centre.name)", "objects": "\(centre.report.held.count)",
                    "released": "by: isthmus release \(centre.name)",
                ])
        }
        if effects.holdEnded {
            logger.notice("removals of published objects no longer held", metadata: ["centre": "\(centre.name)"])
        }
        if !effects.changed.isEmpty {
            let keys = effects.changed.sorted()
            for delivery in deliveries { delivery.changed(keys) }
        }
        alarms.signal()
    }
}

// MARK: - Deliveries

extension Publisher: DesiredState {
    package func seed(_ objects: [ActualObject], from delivery: String) async {
        await services.seed(separate(objects), from: delivery)
    }

    package func adopt(_ objects: [ActualObject], from delivery: String) async {
        await services.adopt(separate(objects), from: delivery)
    }

    package func found(_ objects: [ActualObject]) { _ = separate(objects) }

    /// Takes over the published objects.
    /// - Returns: The others.
    private func separate(_ objects: [ActualObject]) -> [ActualObject] {
        var others: [ActualObject] = []
        var published: [String: [ResourceKey: String]] = [:]
        for object in objects {
            if let mark = PublicationMark.read(object) {
                published[mark.centre, default: [:]][object.key] = mark.document
            } else {
                others.append(object)
            }
        }
        for (centre, objects) in published.sorted(by: { $0.key < $1.key }) {
            if let index = centres.firstIndex(where: { $0.name == centre }) {
                perform(centres[index].found(objects, now: now), index)
            } else {
                orphans.formUnion(objects.keys)
            }
        }
        return others
    }

    package nonisolated func wanted(_ key: ResourceKey) async -> Wanted {
        // There may be very many of them, and nobody publishes them.
        if key.kind == .workloadEntry { return await services.wanted(key) }
        guard let published = await published(key) else { return await services.wanted(key) }
        // A registry's service, or the rule for all of them, may have the same name.
        if key.kind == .serviceEntry || key.kind == .destinationRule {
            let other = await services.wanted(key)
            if case .present = other { return other }
        }
        return published
    }

    private func published(_ key: ResourceKey) -> Wanted? {
        for centre in centres { if let wanted = centre.wanted(key) { return wanted } }
        return orphans.contains(key) ? .undecided : nil
    }

    package nonisolated func mayBeWanted(_ key: ResourceKey) async -> Bool { await services.mayBeWanted(key) }

    package nonisolated func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? {
        await services.departure(ofWorkload: key)
    }

    package func everyKey() async -> [ResourceKey] {
        let published = Set(centres.flatMap(\.keys))
        return await services.everyKey() + published
    }

    package nonisolated func delivered(_ receipt: Receipt) async { await services.delivered(receipt) }

    package nonisolated func settled() async { await services.settled() }
}

// MARK: - Status, release and one-shot reconcile

extension Publisher {
    package var reports: [Publications.Report] { centres.map(\.report) }

    /// Lets go what is held of a configuration centre.
    /// - Returns: `nil` where nothing is.
    package func release(_ centre: String) -> [ResourceKey]? {
        guard let index = centres.firstIndex(where: { $0.name == centre }),
            let (released, effects) = centres[index].release()
        else { return nil }
        perform(effects, index)
        return released
    }

    /// The published objects, sorted.
    package func everyResource() -> [Resource] { centres.flatMap(\.resources).sorted { $0.key < $1.key } }

    /// Whether each configuration centre was read completely, and nothing waits to be judged.
    package var isSettled: Bool { centres.allSatisfy(\.isSettled) }

    /// The configuration centres that can't be read, and why.
    package var unread: [(name: String, reason: String)] {
        centres.compactMap { centre in
            switch centre.health {
            case .healthy: nil
            case .starting(let reason): (centre.name, reason ?? "it was not read yet")
            case .stale(let reason, _): (centre.name, reason)
            }
        }
    }
}
