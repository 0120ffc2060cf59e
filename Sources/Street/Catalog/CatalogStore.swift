package import Services
internal import Sources

/// The last good view of each registry, the instances that its guard still holds, and the services that the registries
/// describe together.
///
/// It is a pure state machine: events and the time go in, the services whose description may have changed come out.
package struct CatalogStore: Sendable {
    /// Whether a registry is followed.
    package enum Health: Hashable, Sendable {
        /// No full read was ever complete; the reason is why not.
        case starting(reason: String)
        case healthy
        /// A full read was complete once, and the registry is not followed now: why, and since when (monotonic).
        case stale(reason: String, since: Duration)
        /// It is not configured any more, and endpoints that only it announced are kept.
        case removed
    }

    /// The outcome of an event.
    package struct Outcome: Sendable {
        /// The services that may have changed, sorted.
        package var changed: [ServiceID] = []
        /// The names of services that need a second read, by registry.
        package var reads: [String: Set<String>] = [:]
    }

    struct Registry: Sendable {
        var name: String
        var view = View()
        /// The view that a full read has built up so far.
        var stagedRead: View?
        var health = Health.starting(reason: "nothing was read yet")
        var hasBeenComplete = false
        var admission: Admission
        var registryGuard: RegistryGuard?
        /// The endpoints that another replica's objects show, and that this registry may have announced while it could
        /// not be followed.
        var guesses: [ServiceID: Set<Endpoint>] = [:]

        /// What the registry holds and its source does not carry.
        var notes: [RegistryNote] = []

        var isStale: Bool {
            if case .stale = health { true } else { false }
        }
    }

    let policy: GuardPolicy?
    var registries: [Registry]
    /// The services that were known before the start and are not settled yet.
    var seeds: [ServiceID: ServiceSeed] = [:]
    /// The seeds that only an earlier run's snapshot has.
    var remembered: Set<ServiceID> = []
    var awaitsSeeds = false

    /// - Parameters:
    ///   - registries: Their names in the configured order.
    ///   - policy: `nil` accepts every removal at once.
    package init(registries: [String], policy: GuardPolicy? = nil, limits: CatalogLimits = CatalogLimits()) {
        self.policy = policy
        self.registries = registries.map { name in
            Registry(
                name: name, admission: Admission(limits: limits),
                registryGuard: policy.map { RegistryGuard(policy: $0) })
        }
    }

    var configured: some Sequence<Registry> { registries.lazy.filter { $0.health != .removed } }

    /// Whether every registry has been read completely at least once.
    package var isComplete: Bool { configured.allSatisfy(\.hasBeenComplete) }

    /// Whether every registry has been read completely and is being followed.
    package var isHealthy: Bool { configured.allSatisfy { $0.health == .healthy } }

    /// Whether some registry has been read completely and is being followed.
    package var isPartlyHealthy: Bool { healthyCount > 0 }

    package var healthyCount: Int { registries.count { $0.health == .healthy } }

    /// Whether a registry that can't be followed may have something to say of a service: it announced the service last.
    /// - Parameter names: The registries that announced the service, as far as its objects tell. One that is not
    ///   configured may have got another name.
    package func dependsOnUnhealthy(_ id: ServiceID, announcedBy names: [String]) -> Bool {
        let isRenamed = names.contains { name in !configured.contains { $0.name == name } }
        return configured.contains { registry in
            registry.health != .healthy
                && (isRenamed || names.contains(registry.name) || registry.view.services[id] != nil)
        }
    }

    /// Whether enough is known of a service to say what it should look like.
    package func isDecidable(_ id: ServiceID) -> Bool { seeds[id] == nil }

    /// Whether no service waits for a second read.
    package var isSettled: Bool {
        registries.allSatisfy { registry in
            guard let registryGuard = registry.registryGuard, registryGuard.hold == nil else { return true }
            return registryGuard.held.isEmpty
        }
    }

    /// When `wake` should be called; monotonic. `nil` where no removal waits to be judged.
    package var nextWake: Duration? { registries.lazy.compactMap { $0.registryGuard?.alarm }.min() }

    package var health: [(registry: String, health: Health)] { registries.map { ($0.name, $0.health) } }
}

// MARK: - Services

extension CatalogStore {
    /// The service as the registries together describe it; without instances when none announces it.
    package func service(_ id: ServiceID) -> Service {
        var instances: [Instance] = []
        var announcing: [String] = []
        for registry in registries {
            var own = (registry.view.services[id]?.entries ?? []).map(\.instance)
            own.keepNewest()
            if !own.isEmpty || registry.registryGuard?.held[id] != nil { announcing.append(registry.name) }
            instances.add(own)
        }
        let held = registries.compactMap { $0.registryGuard?.held[id] }
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
            ids.formUnion(registry.view.services.keys)
            if let held = registry.registryGuard?.held { ids.formUnion(held.services) }
        }
        return ids
    }
}

extension [Instance] {
    /// Sorts by endpoint and leaves one description of each, the newest. A restarted provider has two registrations
    /// until its former session ends.
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
        for index in indices { self[index].succession = 0 }
    }

    /// Adds the instances of another registry. An endpoint that is here already keeps its description: registries have
    /// no common time, so that the configured order decides. Both are sorted by endpoint.
    fileprivate mutating func add(_ others: [Instance]) {
        if isEmpty { return self = others }
        var known = Set(map(\.endpoint))
        let new = others.filter { known.insert($0.endpoint).inserted }
        if new.isEmpty { return }
        self += new
        sort { $0.endpoint < $1.endpoint }
    }
}

extension Instance {
    /// Whether this description of an endpoint replaces another of the same registry. The later one does; where their
    /// order is unknown the choice does not depend on it.
    fileprivate func supersedes(_ other: Instance) -> Bool {
        if succession != other.succession { return succession > other.succession }
        if isEnabled != other.isEnabled { return !isEnabled }
        if isHealthy != other.isHealthy { return !isHealthy }
        if weight != other.weight { return weight < other.weight }
        if application != other.application { return application < other.application }
        if attributes != other.attributes { return attributes.lexicographicallyPrecedes(other.attributes) }
        return locality < other.locality
    }
}
