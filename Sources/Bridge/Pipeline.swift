internal import Addressing
package import Catalog
package import Deliveries
package import IstioAPI
internal import JSON
package import Logging
package import Planning
package import Translation

/// The middle of the street: events of the sources go in, the deliveries are told which resources may have changed and ask what
/// they should look like.
///
/// Nothing is decided before every delivery has told what it holds of ours, since addresses and hosts that were given out once
/// must stay; and nothing about a service before the registries that announced it have been read completely.
package actor Pipeline: DesiredState {
    private let translator: Translator
    private let deliveries: [any Delivery]
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let sinceStart: @Sendable () -> Duration
    private var catalog: CatalogStore
    private var assignments = Assignments()
    private var resources: [ResourceKey: ServiceEntry] = [:]
    private var problems: [ServiceID: [String]] = [:]
    private var unseeded: Set<String>
    /// What a delivery asked for too early.
    private var undecided: Set<ResourceKey> = []

    package init(
        policy: TranslationPolicy, registries: [String], deliveries: [any Delivery], logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        translator = Translator(policy: policy)
        catalog = CatalogStore(registries: registries)
        self.deliveries = deliveries
        self.logger = logger
        self.clock = clock
        sinceStart = clock.stopwatch()
        unseeded = Set(deliveries.map(\.name))
    }

    private var now: Duration { sinceStart() }

    private func tell(_ keys: some Sequence<ResourceKey>) {
        let sorted = keys.sorted()
        if sorted.isEmpty { return }
        for delivery in deliveries { delivery.changed(sorted) }
    }
}

// MARK: - From the sources

extension Pipeline {
    package func accept(_ event: SourceEvent, from registry: String) {
        switch event {
        case .added, .removed:
            // Nearly every event: it says something of one service, and nothing of how much is known of the others.
            let changed = catalog.apply(event, from: registry)
            if unseeded.isEmpty { translate(changed) }
        case .begin, .services, .unreadable, .complete, .interrupted:
            acceptReading(event, from: registry)
        }
    }

    private func acceptReading(_ event: SourceEvent, from registry: String) {
        let before = (
            complete: catalog.completeRegistries, isHealthy: catalog.isHealthy, unknown: catalog.unknownNames
        )
        let changed = catalog.apply(event, from: registry)
        guard unseeded.isEmpty else { return }
        // With a registry's first complete read, what it does not announce any more is known too; so it is with a name's list.
        translate(catalog.completeRegistries == before.complete ? changed : everyService)
        translate(services(named: before.unknown.subtracting(catalog.unknownNames)))
        if !before.isHealthy, catalog.isHealthy { decide() }
    }

    /// Has the deliveries ask again for what could not be decided.
    private func decide() {
        tell(undecided)
        undecided = []
    }

    private func services(named names: Set<String>) -> [ServiceID] {
        names.isEmpty ? [] : assignments.serviceIDs.filter { names.contains($0.name) }
    }

    private var everyService: [ServiceID] {
        Set(catalog.serviceIDs).union(assignments.serviceIDs).sorted()
    }
}

// MARK: - For the deliveries

extension Pipeline {
    package func seed(_ objects: [ActualObject], from delivery: String) {
        for object in objects.sorted(by: { $0.key < $1.key }) { assignments.seed(from: object) }
        unseeded.remove(delivery)
        guard unseeded.isEmpty else { return }
        translate(everyService)
        if catalog.isHealthy { decide() }
    }

    package func wanted(_ key: ResourceKey) -> Wanted {
        if let resource = resources[key] { return .present(resource) }
        // Only when everything is known and followed is what nobody asks for known to be unwanted.
        guard unseeded.isEmpty, catalog.isHealthy, assignments.service(ofObject: key.name) == nil else {
            undecided.insert(key)
            return .undecided
        }
        return .absent
    }

    package func everyKey() -> [ResourceKey] { Array(resources.keys) }

    package func delivered(_ receipt: Receipt) {
        logger.trace(
            "receipt", metadata: ["resource": "\(receipt.key)", "outcome": "\(receipt.outcome)"])
    }
}

// MARK: - For those who look once

extension Pipeline {
    /// Everything that should be, sorted.
    package var everyResource: [ServiceEntry] { resources.values.sorted { $0.key < $1.key } }

    package var isComplete: Bool { catalog.isComplete }

    /// The registries that were never read completely, and why.
    package var unreadRegistries: [(name: String, reason: String)] {
        catalog.health.compactMap { registry, health in
            if case .starting(let reason) = health { (registry, reason) } else { nil }
        }
    }
}

// MARK: - Translation

extension Pipeline {
    private func translate(_ ids: [ServiceID]) {
        var changed: [ResourceKey] = []
        for id in ids where isDecidable(id) { translate(id, &changed) }
        tell(changed)
    }

    /// A registry that was never read may still announce some of the service's instances. Where the object names a registry that
    /// isn't configured, or none at all, that may be any of them: registries get other names.
    private func isDecidable(_ id: ServiceID) -> Bool {
        // None of its providers could be read, and what they were before a restart, only its objects know.
        if catalog.isUnknown(id.name) { return false }
        guard !catalog.isComplete, let assignment = assignments[id] else { return true }
        return !assignment.registries.isEmpty && catalog.completeRegistries.isSuperset(of: assignment.registries)
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
        // The virtual addresses and hosts that became free may be just what others lack.
        if !keys.isEmpty { translate(problems.keys.sorted()) }
    }
}

extension Clock where Duration == Swift.Duration {
    /// The time since this call.
    fileprivate func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}

extension Assignments {
    /// What an object of ours says of the service that it was made for. An object whose annotations somebody removed says nothing.
    fileprivate mutating func seed(from object: ActualObject) {
        guard let id = object.annotations[OwnerMark.service].flatMap({ ServiceID($0) }),
            let applicationProtocol = object.annotations[OwnerMark.protocol].flatMap({
                ApplicationProtocol(rawValue: $0)
            }),
            let host = object.spec["hosts"]?.array?.first?.string
        else { return }
        seed(
            id, object: object.key.name, protocol: applicationProtocol, host: host,
            address: object.spec["addresses"]?.array?.first?.string.flatMap { IPAddress($0) },
            registries: (object.annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init))
    }
}
