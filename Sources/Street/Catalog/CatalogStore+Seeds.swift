package import Services

extension CatalogStore {
    /// Takes over what is known from before the start. It shows in no service: only when the registries that announced a service
    /// have been read is it settled what became of its instances, and until then the service is not decidable.
    ///
    /// - Parameters:
    ///   - isRemembered: Whether they are an earlier run's memory, which may be old. Its instances count only where no delivery holds
    ///     anything: otherwise those that have left since would look lost now.
    ///   - isLast: Whether no more are to come. Until then nothing is settled, so that each loss is counted once.
    package mutating func seed(
        _ new: [ServiceSeed], isRemembered: Bool = false, isLast: Bool = true, now: Duration
    ) -> Outcome {
        awaitsSeeds = !isLast
        // All the same, nothing is decided of these services before they were read.
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

    /// Another replica led until now, and its objects show what it made of registries that can't be followed here: that is their last good
    /// picture. Of what was never read here, nothing is decided before it is.
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

    /// What is shown of a service and known of no registry stands in the first one that announces it and isn't followed: under a key that no
    /// registry has, since it may turn out to be another's.
    private mutating func guess(_ seed: ServiceSeed) {
        let id = seed.id
        let names = announcers(of: seed).map(\.name)
        guard let index = registries.firstIndex(where: { $0.isStale && names.contains($0.name) }) else { return }
        for instance in seed.instances {
            let endpoint = instance.endpoint
            let isKnown = registries.contains { registry in
                registry.picture.announces(endpoint, of: id) || registry.removals?.held[id]?[endpoint] != nil
            }
            if isKnown { continue }
            _ = registries[index].picture.set(InstanceKey(endpoint, of: id), of: id, instance)
            registries[index].guesses[id, default: []].insert(endpoint)
        }
    }

    private mutating func forgetRememberedInstances() {
        for id in remembered { seeds[id]?.instances = [] }
        remembered = []
    }

    /// The services of which it is not settled yet what became.
    package var seededServices: some Collection<ServiceID> { seeds.keys }

    /// The service as it is, or as it was before the start where that is not settled yet.
    package func lastGood(_ id: ServiceID) -> Service {
        guard let seed = seeds[id] else { return service(id) }
        return Service(id: id, instances: seed.instances, registries: seed.registries)
    }

    /// Settles what can be: all, or what waited for a name that could not be read.
    mutating func settle(name: String? = nil, now: Duration, _ outcome: inout Changes) {
        if awaitsSeeds { return }
        let ready = seeds.values.filter { (name == nil || $0.id.name == name) && isReady($0) }
        var changes: [String: PictureChange] = [:]
        for seed in ready {
            seeds[seed.id] = nil
            outcome.changed.insert(seed.id)
            let known = Set(seed.instances.map(\.endpoint))
            let announced = Set(
                registries.flatMap { ($0.picture.services[seed.id]?.entries ?? []).map(\.instance.endpoint) })
            let lost = seed.instances.filter { !announced.contains($0.endpoint) }
            let gained = announced.subtracting(known)
            guard let owner = owner(of: seed), !lost.isEmpty || !gained.isEmpty else { continue }
            if !lost.isEmpty { changes[owner, default: PictureChange()].lost[seed.id] = lost }
            if !gained.isEmpty { changes[owner, default: PictureChange()].gained[seed.id] = gained.sorted() }
        }
        for (owner, change) in changes.sorted(by: { $0.key < $1.key }) {
            observeStart(change, of: owner, now: now, &outcome)
        }
    }

    /// Whether all have been read that may still announce some of its instances. Where it names a registry that isn't configured,
    /// or none at all, that may be any of them: registries get other names.
    private func isReady(_ seed: ServiceSeed) -> Bool {
        announcers(of: seed).allSatisfy { registry in
            registry.hasBeenComplete && !registry.picture.unknown.contains(seed.id.name)
        }
    }

    private func announcers(of seed: ServiceSeed) -> some Sequence<Registry> {
        let isRenamed = seed.registries.isEmpty || removedRegistry(of: seed) != nil
        return configured.filter { isRenamed || seed.registries.contains($0.name) }
    }

    private func removedRegistry(of seed: ServiceSeed) -> String? {
        seed.registries.first { name in !configured.contains { $0.name == name } }
    }

    /// To whom a loss is counted.
    private func owner(of seed: ServiceSeed) -> String? {
        if policy?.removedRegistries == .keep, let removed = removedRegistry(of: seed) { return removed }
        return (configured.first { seed.registries.contains($0.name) } ?? configured.first { _ in true })?.name
    }

    private mutating func observeStart(
        _ change: PictureChange, of owner: String, now: Duration, _ outcome: inout Changes
    ) {
        let index: Int
        if let known = registries.firstIndex(where: { $0.name == owner }) {
            index = known
        } else {
            guard !change.lost.isEmpty, let policy else { return }
            registries.append(
                Registry(name: owner, health: .removed, hasBeenComplete: true, removals: RegistryGuard(policy: policy)))
            index = registries.count - 1
        }
        let registry = registries[index]
        let cause: Hold.Cause? =
            if registry.health == .removed { .removedRegistry } else {
                registry.picture.count == 0 ? .emptyAnswer : nil
            }
        guard let reaction = registries[index].removals?.observeStart(change, registry.picture, cause: cause, now: now)
        else { return take(reaction(to: change), from: index, now: now, &outcome) }
        take(reaction, from: index, now: now, &outcome)
    }
}

extension CatalogStore.Registry {
    /// Forgets all but these endpoints.
    fileprivate mutating func keep(_ shown: [ServiceID: Set<Endpoint>]) {
        for (id, table) in picture.services {
            var kept = table
            kept.removeAll { shown[id]?.contains($0.endpoint) != true }
            if kept.count < table.count { picture.draw(id, kept) }
        }
        overruled = [:]
    }
}
