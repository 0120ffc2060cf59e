package import Services

extension CatalogStore {
    /// Takes over what is known from before the start. Seeds show in no service. A seed is settled when the registries
    /// that announced the service have been read, and until then the service is not decidable.
    ///
    /// - Parameters:
    ///   - isRemembered: Whether the seeds are from a snapshot, which may be old. Its instances count only where no
    ///     delivery holds anything: otherwise instances that have left since would look lost now.
    ///   - isLast: Whether no more seeds will come. Until then nothing is settled, so that each removal counts once.
    package mutating func seed(
        _ new: [ServiceSeed], isRemembered: Bool = false, isLast: Bool = true, now: Duration
    ) -> Outcome {
        awaitsSeeds = !isLast
        // The services stay undecidable until they have been read.
        if !isRemembered, !new.isEmpty { forgetRememberedInstances() }
        for seed in new {
            guard var known = seeds[seed.id] else {
                seeds[seed.id] = seed
                if isRemembered { remembered.insert(seed.id) }
                continue
            }
            known.merge(seed)
            seeds[seed.id] = known
        }
        var outcome = Changes()
        settle(now: now, &outcome)
        return outcome.outcome
    }

    /// Takes over what the former leader's objects show. For a registry that can't be followed here, they are its last
    /// good view. A service that was never read here stays undecidable until it is.
    package mutating func adopt(_ shown: [ServiceSeed]) {
        var services: [ServiceID: ServiceSeed] = [:]
        for seed in shown {
            services[seed.id, default: ServiceSeed(id: seed.id, registries: [], instances: [])].merge(seed)
        }
        for index in registries.indices where registries[index].isStale {
            registries[index].keep(services.mapValues { Set($0.instances.map(\.endpoint)) })
        }
        for seed in services.values {
            if let known = seeds[seed.id] {
                seeds[seed.id]?.instances = seed.instances
                seeds[seed.id]?.registries += seed.registries.filter { !known.registries.contains($0) }
                remembered.remove(seed.id)
            } else if announcers(of: seed).allSatisfy(\.hasBeenComplete) {
                guess(seed)
            } else {
                seeds[seed.id] = seed
            }
        }
    }

    /// Adds the endpoints that no registry is known to announce to the first stale registry that announces the service.
    /// Their keys are ones that no registry uses, since they may turn out to be another registry's.
    private mutating func guess(_ seed: ServiceSeed) {
        let id = seed.id
        let names = announcers(of: seed).map(\.name)
        guard let index = registries.firstIndex(where: { $0.isStale && names.contains($0.name) }) else { return }
        for instance in seed.instances {
            let endpoint = instance.endpoint
            let isKnown = registries.contains { registry in
                registry.view.announces(endpoint, of: id) || registry.registryGuard?.held[id]?[endpoint] != nil
            }
            if isKnown { continue }
            _ = registries[index].view.set(InstanceKey(endpoint, of: id), of: id, instance)
            registries[index].guesses[id, default: []].insert(endpoint)
        }
    }

    private mutating func forgetRememberedInstances() {
        for id in remembered { seeds[id]?.instances = [] }
        remembered = []
    }

    /// The services that are not settled yet.
    package var seededServices: some Collection<ServiceID> { seeds.keys }

    /// The service as it is, or as it was before the start where it is not settled yet.
    package func lastGood(_ id: ServiceID) -> Service {
        guard let seed = seeds[id] else { return service(id) }
        return Service(id: id, instances: seed.instances, registries: seed.registries)
    }

    /// Settles the services that are ready.
    /// - Parameter name: The only name to settle: it was unreadable until now.
    mutating func settle(name: String? = nil, now: Duration, _ outcome: inout Changes) {
        if awaitsSeeds { return }
        let ready = seeds.values.filter { (name == nil || $0.id.name == name) && isReady($0) }
        var changes: [String: ViewChange] = [:]
        for seed in ready {
            seeds[seed.id] = nil
            outcome.changed.insert(seed.id)
            let known = Set(seed.instances.map(\.endpoint))
            let announced = Set(
                registries.flatMap { ($0.view.services[seed.id]?.entries ?? []).map(\.instance.endpoint) })
            let removed = seed.instances.filter { !announced.contains($0.endpoint) }
            let added = announced.subtracting(known)
            guard let owner = owner(of: seed), !removed.isEmpty || !added.isEmpty else { continue }
            if !removed.isEmpty { changes[owner, default: ViewChange()].removals[seed.id] = removed }
            if !added.isEmpty { changes[owner, default: ViewChange()].additions[seed.id] = added.sorted() }
        }
        for (owner, change) in changes.sorted(by: { $0.key < $1.key }) {
            observeStart(change, of: owner, now: now, &outcome)
        }
    }

    /// Whether every registry has been read that may still announce its instances. A seed that names no registry, or
    /// one that isn't configured, may be of any registry: registries get other names.
    private func isReady(_ seed: ServiceSeed) -> Bool {
        announcers(of: seed).allSatisfy { registry in
            registry.hasBeenComplete && !registry.view.unknown.contains(seed.id.name)
        }
    }

    private func announcers(of seed: ServiceSeed) -> some Sequence<Registry> {
        let isRenamed = seed.registries.isEmpty || removedRegistry(of: seed) != nil
        return configured.filter { isRenamed || seed.registries.contains($0.name) }
    }

    private func removedRegistry(of seed: ServiceSeed) -> String? {
        seed.registries.first { name in !configured.contains { $0.name == name } }
    }

    /// The registry to which its removals are counted.
    private func owner(of seed: ServiceSeed) -> String? {
        if policy?.removedRegistries == .keep, let removed = removedRegistry(of: seed) { return removed }
        return (configured.first { seed.registries.contains($0.name) } ?? configured.first { _ in true })?.name
    }

    private mutating func observeStart(
        _ change: ViewChange, of owner: String, now: Duration, _ outcome: inout Changes
    ) {
        let index: Int
        if let known = registries.firstIndex(where: { $0.name == owner }) {
            index = known
        } else {
            guard !change.removals.isEmpty, let policy else { return }
            registries.append(
                Registry(
                    name: owner, health: .removed, hasBeenComplete: true, admission: Admission(limits: CatalogLimits()),
                    registryGuard: RegistryGuard(policy: policy)))
            index = registries.count - 1
        }
        let registry = registries[index]
        let cause: Hold.Cause? =
            if registry.health == .removed { .removedRegistry } else {
                registry.view.count == 0 ? .emptyAnswer : nil
            }
        guard
            let reaction = registries[index].registryGuard?.observeStart(change, registry.view, cause: cause, now: now)
        else { return take(reaction(to: change), from: index, now: now, &outcome) }
        take(reaction, from: index, now: now, &outcome)
    }
}

extension CatalogStore.Registry {
    /// Removes all other endpoints from the view.
    fileprivate mutating func keep(_ shown: [ServiceID: Set<Endpoint>]) {
        for (id, table) in view.services {
            var kept = table
            kept.removeAll { shown[id]?.contains($0.endpoint) != true }
            if kept.count < table.count { view.put(id, kept) }
        }
    }
}
