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
        /// The endpoints in the view of which only objects say that the registry announces them: it can't be followed,
        /// or the list of their name can't be read.
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
    /// The names of registries in the seeds.
    var recordedRegistries: Set<String> = []

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

    /// The registries that can't be followed and may have something to say of a service: they announced it last, or its
    /// list can't be read.
    /// - Parameter names: The registries that announced the service, as far as its objects tell. One that is not
    ///   configured may have got another name.
    package func unhealthy(_ id: ServiceID, announcedBy names: [String]) -> [String] {
        let bearers = bearers(of: names)
        return registries.indices.filter { index in
            let registry = registries[index]
            switch registry.health {
            case .removed: return false
            case .healthy: return registry.view.unreadable[id.name] != nil && !registry.view.answered.contains(id.name)
            case .starting, .stale:
                return bearers.contains(index) && !names.isEmpty || registry.view.services[id] != nil
            }
        }.map { registries[$0].name }
    }

    /// Whether there are such registries.
    package func dependsOnUnhealthy(_ id: ServiceID, announcedBy names: [String]) -> Bool {
        !unhealthy(id, announcedBy: names).isEmpty
    }

    /// Whether enough is known of a service to say what it should look like: some registry had a say, and of the
    /// others it is known what they announced last.
    package func isDecidable(_ id: ServiceID) -> Bool {
        guard let seed = seeds[id] else { return true }
        return seed.hasNews || bearers(of: seed.registries).contains { hasRead(id, $0) }
            || registries.contains { $0.view.services[id] != nil }
    }

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
    /// The service as the registries together describe it; without instances when none announces it. An endpoint of a
    /// registry that was not read since the start is as it was before.
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
        let pending = pendingSeeds(of: id)
        if !held.isEmpty {
            // A loss of health that is held has not happened.
            let lost = Set(held.lazy.flatMap(\.keys))
            instances.removeAll { !$0.isHealthy && lost.contains($0.endpoint) }
        }
        if !held.isEmpty || !pending.isEmpty {
            var known = Set(instances.map(\.endpoint))
            for (endpoint, entry) in held.joined() where known.insert(endpoint).inserted {
                instances.append(entry.instance)
            }
            for seed in pending where known.insert(seed.instance.endpoint).inserted { instances.append(seed.instance) }
            instances.keepNewest()
        }
        let others = Set(pending.lazy.flatMap(\.registries)).subtracting(announcing)
        if !others.isEmpty {
            announcing = registries.map(\.name).filter { announcing.contains($0) || others.contains($0) }
            announcing += others.subtracting(announcing).sorted()
        }
        return Service(
            id: id, instances: instances, registries: announcing, announcers: announcers(id, of: announcing, pending))
    }

    private func announcers(
        _ id: ServiceID, of names: [String], _ pending: [(instance: Instance, registries: [String])]
    ) -> EndpointAnnouncers {
        var announcers = EndpointAnnouncers()
        if names.count < 2 { return announcers }
        var announced: [Endpoint: [String]] = [:]
        for name in names {
            var endpoints = Set(pending.lazy.filter { $0.registries.contains(name) }.map(\.instance.endpoint))
            if let registry = registries.first(where: { $0.name == name }) {
                endpoints.formUnion(registry.view.services[id]?.instances.lazy.map(\.endpoint) ?? [])
                endpoints.formUnion(registry.registryGuard?.held[id]?.keys.map(\.self) ?? [])
            }
            for endpoint in endpoints { announced[endpoint, default: []].append(name) }
        }
        for (endpoint, some) in announced where some.count < names.count { announcers[endpoint] = some }
        return announcers
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
