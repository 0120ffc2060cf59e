internal import Catalog
package import Deliveries
package import IstioAPI
internal import Logging
package import Planning
internal import Services
internal import Translation

extension Pipeline: DesiredState {
    package func seed(_ objects: [ActualObject], from delivery: String) {
        let known = translator.services(in: objects)
        unseeded.remove(delivery)
        if hasBegun {
            logger.notice("a delivery that nobody waited for any more is there", metadata: ["delivery": "\(delivery)"])
            return add(known)
        }
        firstSeed = firstSeed ?? now
        for service in known { assignments.seed(from: service) }
        carryOut(catalog.seed(known.map(\.seed), isLast: unseeded.isEmpty, now: now))
        if unseeded.isEmpty { begin() }
    }

    /// Goes on without the deliveries that don't tell what they hold while others wait: one cluster that can't be reached must not
    /// keep the others from being served.
    package func waitForDeliveries() async {
        while !hasBegun, !Task.isCancelled {
            let due = (firstSeed ?? now) + Self.patience
            try? await Task.sleep(for: due - now, clock: clock)
            guard !hasBegun, let firstSeed, now - firstSeed >= Self.patience else { continue }
            logger.error(
                "goes on without deliveries that have not told what they hold",
                metadata: ["deliveries": "\(unseeded.sorted().joined(separator: ", "))"])
            carryOut(catalog.seed([], now: now))
            begin()
        }
    }

    /// Everything is known that can be.
    private func begin() {
        hasBegun = true
        seedRecalled()
        remembers()
        translate(everyService.sorted())
        healthMayChange(from: false)
    }

    package func adopt(_ objects: [ActualObject], from delivery: String) {
        let known = translator.services(in: objects)
        // Where this replica writes, its own choices stand, and what it knows.
        let leadsElsewhere = deliveries.contains { $0.name != delivery && $0.isLed }
        if !leadsElsewhere { catalog.adopt(known.map(\.seed)) }
        guard hasBegun else { return add(known) }
        release(whatLacksIn: known)
        if leadsElsewhere { return add(known) }
        var others = Assignments()
        for service in known { others.seed(from: service) }
        assignments.adopt(others)
        let before = Array(resources.keys) + workloads.keys
        stale = [:]
        resources = [:]
        workloads = [:]
        translate(everyService.sorted())
        tell(before.filter { service(of: $0) == nil })
    }

    /// Services that are not known yet, with the choices that were made for them.
    private func add(_ known: [OwnedService]) {
        let new = known.filter { assignments[$0.id] == nil }
        for service in new { assignments.seed(from: service) }
        carryOut(catalog.seed(new.map(\.seed), isLast: hasBegun || unseeded.isEmpty, now: now))
    }

    /// What the replica that led has let go is not held here either.
    private func release(whatLacksIn known: [OwnedService]) {
        var shown: [ServiceID: [PortProtocol: Set<Endpoint>]] = [:]
        let held = catalog.heldServices
        for service in known where held.contains(service.id) {
            let endpoints = Set(service.instances.map(\.endpoint))
            shown[service.id, default: [:]][service.portProtocol, default: []].formUnion(endpoints)
        }
        carryOut(catalog.adopt(shown, now: now))
    }

    var everyService: Set<ServiceID> { catalog.serviceIDs.union(assignments.serviceIDs) }

    package func wanted(_ key: ResourceKey) -> Wanted {
        let id = service(of: key)
        let entry = WorkloadEntry.serviceEntry(ofWorkload: key)
        // The service itself is always told of too. If each of its endpoints asked for all that happened since, much that happens to a
        // large one would be translated over and over.
        if let id, entry.map({ resources[$0] == nil }) ?? true { refresh(id, askedFor: key) }
        if let resource = resource(key) { return .present(resource) }
        // What is known of a service is known of all its endpoints.
        if let entry, resources[entry] != nil { return .absent }
        // Only when everything is known and followed is what nobody asks for known to be unwanted.
        guard hasBegun, catalog.isHealthy, id == nil else {
            if let entry { undecidedWorkloads[entry, default: []].insert(key) } else { undecided.insert(key) }
            return .undecided
        }
        return .absent
    }

    /// WorkloadEntries are small: none has to wait for its time.
    package func mayBeWanted(_ key: ResourceKey) -> Bool { key.kind == .serviceEntry && service(of: key) != nil }

    package func departure(ofWorkload key: ResourceKey) -> WorkloadDeparture? {
        // In this order: that it is asked for may be what makes the service.
        let wanted = wanted(key)
        return WorkloadDeparture(wanted, of: WorkloadEntry.serviceEntry(ofWorkload: key).flatMap { resource($0) })
    }

    package func everyKey() -> [ResourceKey] {
        Array(Set(resources.keys).union(stale.keys.flatMap { keys(of: $0) })) + workloads.keys
    }

    package func delivered(_ receipt: Receipt) {
        logger.trace(
            "receipt", metadata: ["resource": "\(receipt.key)", "outcome": "\(receipt.outcome)"])
    }
}

// MARK: - For those who look once

extension Pipeline {
    /// Everything that should be, sorted.
    package func everyResource() -> [Resource] {
        for id in stale.keys.sorted() { refresh(id) }
        let all = resources.values.map { Resource.serviceEntry($0) } + workloads.keys.compactMap { resource($0) }
        return all.sorted { $0.key < $1.key }
    }

    /// Whether all registries were read completely, and twice where that is needed.
    package var isSettled: Bool { catalog.isComplete && catalog.isSettled }

    /// Hears the sources no more, once all registries were read and are followed: that a source loses its connection as it is
    /// stopped must not make undecided again what everything is known about.
    /// - Returns: Whether that is so.
    package func concludeIfSettled() -> Bool {
        isConcluded = isConcluded || isSettled && catalog.isHealthy
        return isConcluded
    }

    /// The registries that were not read completely or can't be followed, and why.
    package var unreadRegistries: [(name: String, reason: String)] {
        catalog.health.compactMap { registry, health in
            switch health {
            case .starting(let reason), .stale(let reason, _): (registry, reason)
            case .healthy, .removed: nil
            }
        }
    }
}
