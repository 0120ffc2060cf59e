package import Services

/// The last good picture of each registry, what the guard still accepts beyond it, and the services that they describe together.
///
/// A pure state machine: events and the time go in, the services whose description may have changed come out.
package struct CatalogStore: Sendable {
    /// How far a registry can be believed.
    package enum Health: Hashable, Sendable {
        /// No full read was ever complete.
        case starting(reason: String)
        case healthy
        /// Something was complete once; this is why it isn't being followed now, and since when (monotonic).
        case stale(reason: String, since: Duration)
        /// It is not configured any more, and endpoints that only it announced are kept.
        case removed
    }

    /// What came of an event.
    package struct Outcome: Sendable {
        /// The services that may have changed, sorted.
        package var changed: [ServiceID] = []
        /// Services to be read a second time, by name, for each registry.
        package var reads: [String: Set<String>] = [:]
    }

    struct Registry: Sendable {
        var name: String
        var picture = Picture()
        /// The picture that a full read is drawing.
        var shadow: Picture?
        var health = Health.starting(reason: "nothing was read yet")
        var hasBeenComplete = false
        var removals: RegistryGuard?
        /// What others removed affirmatively while this one could not be followed.
        var overruled: [ServiceID: Set<Endpoint>] = [:]
        /// What another replica's objects show, and what this registry may have announced since it can't be followed.
        var guesses: [ServiceID: Set<Endpoint>] = [:]

        var isStale: Bool {
            if case .stale = health { true } else { false }
        }
    }

    let policy: GuardPolicy?
    var registries: [Registry]
    /// Services that were known before the start and of which it is not settled yet what became.
    var seeds: [ServiceID: ServiceSeed] = [:]
    /// Those that are known from an earlier run's memory alone.
    var remembered: Set<ServiceID> = []
    var awaitsSeeds = false

    /// - Parameters:
    ///   - registries: Their names, the one that wins a disagreement first.
    ///   - policy: `nil` believes every loss at once.
    package init(registries: [String], policy: GuardPolicy? = nil) {
        self.policy = policy
        self.registries = registries.map { Registry(name: $0, removals: policy.map { RegistryGuard(policy: $0) }) }
    }

    var configured: some Sequence<Registry> { registries.lazy.filter { $0.health != .removed } }

    /// Whether every registry has been read completely at least once.
    package var isComplete: Bool { configured.allSatisfy(\.hasBeenComplete) }

    /// Whether every registry has been read completely and is being followed.
    package var isHealthy: Bool { configured.allSatisfy { $0.health == .healthy } }

    /// Whether enough is known of a service to say what it should look like.
    package func isDecidable(_ id: ServiceID) -> Bool { seeds[id] == nil }

    /// Whether a service waits for a second read.
    package var isSettled: Bool {
        registries.allSatisfy { registry in
            guard let removals = registry.removals, removals.hold == nil else { return true }
            return removals.heldCount == 0
        }
    }

    package var health: [(registry: String, health: Health)] { registries.map { ($0.name, $0.health) } }
}

// MARK: - Services

extension CatalogStore {
    /// The service as the registries together describe it; without instances when none announces it.
    package func service(_ id: ServiceID) -> Service {
        var instances: [Instance] = []
        var announcing: [String] = []
        for registry in registries {
            let overruled = registry.overruled[id] ?? []
            let before = instances.count
            for entry in registry.picture.services[id]?.entries ?? []
            where overruled.isEmpty || !overruled.contains(entry.instance.endpoint) {
                instances.append(entry.instance)
            }
            if instances.count > before || registry.removals?.held[id] != nil { announcing.append(registry.name) }
        }
        instances.keepNewest()
        let held = registries.compactMap { $0.removals?.held[id] }
        if !held.isEmpty {
            var known = Set(instances.map(\.endpoint))
            for (endpoint, entry) in held.joined() where known.insert(endpoint).inserted {
                instances.append(entry.instance)
            }
            instances.keepNewest()
        }
        return Service(id: id, instances: instances, registries: announcing)
    }

    /// The services that have instances.
    package var serviceIDs: Set<ServiceID> {
        var ids: Set<ServiceID> = []
        for registry in registries {
            ids.formUnion(registry.picture.services.keys)
            if let held = registry.removals?.held { ids.formUnion(held.keys) }
        }
        return ids
    }
}

extension [Instance] {
    /// Sorts by endpoint and leaves one description of each. A restarted provider stands twice until its former session ends, and one
    /// that registers twice stands in two registries: the newer entry describes it.
    fileprivate mutating func keepNewest() {
        sort { $0.endpoint < $1.endpoint }
        var kept = 0
        for index in indices {
            if kept > 0, self[kept - 1].endpoint == self[index].endpoint {
                if self[index].supersedes(self[kept - 1]) { self[kept - 1] = self[index] }
            } else {
                self[kept] = self[index]
                kept += 1
            }
        }
        removeSubrange(kept...)
    }
}

extension Instance {
    /// Whether this description of an endpoint counts more than another: the newer one, and between equally old ones
    /// a choice that doesn't depend on their order.
    fileprivate func supersedes(_ other: Instance) -> Bool {
        if startTime != other.startTime { return startTime > other.startTime }
        if isEnabled != other.isEnabled { return !isEnabled }
        if isHealthy != other.isHealthy { return !isHealthy }
        if weight != other.weight { return weight < other.weight }
        if application != other.application { return application < other.application }
        if attributes != other.attributes { return attributes.lexicographicallyPrecedes(other.attributes) }
        return locality < other.locality
    }
}
