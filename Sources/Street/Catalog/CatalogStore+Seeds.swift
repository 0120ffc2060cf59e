package import Services

extension CatalogStore {
    /// Takes over what is known from before the start. Each endpoint is settled when the registries that announced it
    /// have been read. The service is decidable when the first registry had a say.
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
            recordedRegistries.formUnion(seed.registries)
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
        for var seed in services.values {
            recordedRegistries.formUnion(seed.registries)
            guess(seed)
            if seeds[seed.id] == nil, bearers(of: seed.registries).allSatisfy({ registries[$0].hasBeenComplete }) {
                continue
            }
            // Of the others their registries know more.
            seed.instances = seed.instances.filter { isPending($0.endpoint, seed) }
            if let known = seeds[seed.id] {
                seed.settled = known.settled
                seed.registries += known.registries.filter { !seed.registries.contains($0) }
                remembered.remove(seed.id)
            }
            seeds[seed.id] = seed
        }
    }

    /// Takes over what another delivery's objects show of registries that can't be followed here.
    package mutating func keep(_ shown: [ServiceSeed]) {
        for seed in shown { guess(seed) }
    }

    /// Adds the endpoints that objects show to the stale registries that announced them.
    private mutating func guess(_ seed: ServiceSeed) {
        let indices = bearers(of: seed.registries).filter { registries[$0].isStale }
        if indices.isEmpty { return }
        for instance in seed.instances {
            let announcing = seed.announcers[instance.endpoint].map { self.bearers(of: $0) } ?? indices
            for index in indices where announcing.contains(index) {
                registries[index].guess(instance, of: seed.id)
            }
        }
    }

    private mutating func forgetRememberedInstances() {
        for id in remembered { seeds[id]?.instances = [] }
        remembered = []
    }

    /// The services that are not settled yet.
    package var seededServices: some Collection<ServiceID> { seeds.keys }

    /// The service as it is, or as it was before the start where it is not decidable yet.
    package func lastGood(_ id: ServiceID) -> Service {
        guard let seed = seeds[id], !isDecidable(id) else { return service(id) }
        return Service(
            id: id, instances: seed.instances, registries: seed.registries, announcers: seed.announcers)
    }
}

// MARK: - Settling

extension CatalogStore {
    /// Settles the endpoints that are ready.
    /// - Parameter reader: The registry that has been read completely for the first time; `nil` for any.
    mutating func settle(by reader: Int? = nil, now: Duration, _ outcome: inout Changes) {
        if awaitsSeeds || seeds.isEmpty { return }
        for index in registries.indices { takeSeedsOfUnknownNames(index) }
        var changes: [String: ViewChange] = [:]
        for id in Array(seeds.keys) { settle(id, by: reader, &changes, &outcome) }
        for (owner, change) in changes.sorted(by: { $0.key < $1.key }) {
            observeStart(change, of: owner, now: now, &outcome)
        }
    }

    private mutating func settle(
        _ id: ServiceID, by reader: Int?, _ changes: inout [String: ViewChange], _ outcome: inout Changes
    ) {
        guard var seed = seeds[id] else { return }
        let bearers = bearers(of: seed.registries)
        let readers = bearers.filter { hasRead(id, $0) && $0 == reader ?? $0 }
        if readers.isEmpty { return }
        outcome.changed.insert(id)
        let known = seed.known
        for index in readers {
            let added = Set(registries[index].endpoints(of: id)).subtracting(known)
            if !added.isEmpty { changes[registries[index].name, default: ViewChange()].additions[id] = added.sorted() }
        }
        let announced = Set(registries.lazy.flatMap { $0.endpoints(of: id) })
        let isOver = bearers.allSatisfy { hasRead(id, $0) }
        var pending: [Instance] = []
        for instance in seed.instances {
            let endpoint = instance.endpoint
            if !isOver {
                if isPending(endpoint, seed) {
                    pending.append(instance)
                    continue
                }
                seed.settled.insert(endpoint)
            }
            if announced.contains(endpoint) { continue }
            let owner = owner(of: seed.registries(announcing: endpoint), readers)
            changes[owner, default: ViewChange()].removals[id, default: []].append(instance)
        }
        seed.instances = pending
        seeds[id] = isOver ? nil : seed
    }

    /// What was known before the start stands for a list that can't be read: events change it.
    private mutating func takeSeedsOfUnknownNames(_ index: Int) {
        if !registries[index].hasBeenComplete || registries[index].view.unknown.isEmpty { return }
        var taken: Set<String> = []
        for (id, seed) in seeds where registries[index].view.unknown.contains(id.name) {
            let isMeant = bearers(of: seed.registries).contains(index)
            for instance in seed.instances {
                let names = seed.announcers[instance.endpoint]
                guard names.map({ bearers(of: $0).contains(index) }) ?? isMeant else { continue }
                registries[index].guess(instance, of: id)
                taken.insert(id.name)
            }
        }
        registries[index].view.unknown.subtract(taken)
        registries[index].stagedRead?.unknown.subtract(taken)
    }

    // MARK: Who may announce what

    /// The registries that may have one of these names, in the configured order. A name that is not configured may be
    /// the former one of a registry that no object names. Where there is none, or no name, it may be any registry's.
    func bearers(of names: [String]) -> [Int] {
        let configured = registries.indices.filter { registries[$0].health != .removed }
        let isRenamed = names.contains { name in !configured.contains { registries[$0].name == name } }
        if !isRenamed, !names.isEmpty { return configured.filter { names.contains(registries[$0].name) } }
        let new = configured.filter { !recordedRegistries.contains(registries[$0].name) }
        if names.isEmpty || new.isEmpty { return configured }
        return configured.filter { names.contains(registries[$0].name) || new.contains($0) }
    }

    /// Whether it is known what a registry says of a service.
    func hasRead(_ id: ServiceID, _ index: Int) -> Bool {
        registries[index].hasBeenComplete && !registries[index].view.unknown.contains(id.name)
    }

    /// Whether a registry that was not read since the start may announce an endpoint.
    private func isPending(_ endpoint: Endpoint, _ seed: ServiceSeed) -> Bool {
        bearers(of: seed.registries(announcing: endpoint)).contains { !hasRead(seed.id, $0) }
    }

    /// The endpoints of a decidable service that registries may announce that were not read since the start, and the
    /// names of these registries.
    func pendingSeeds(of id: ServiceID) -> [(instance: Instance, registries: [String])] {
        guard let seed = seeds[id], isDecidable(id) else { return [] }
        let read = Set(registries.indices.lazy.filter { self.hasRead(id, $0) }.map { self.registries[$0].name })
        return seed.instances.filter { isPending($0.endpoint, seed) }.map { instance in
            var names = seed.registries(announcing: instance.endpoint)
            if names.isEmpty { names = bearers(of: []).map { registries[$0].name } }
            return (instance, names.filter { !read.contains($0) })
        }
    }

    /// The registry to which the removal of an endpoint counts.
    /// - Parameters:
    ///   - names: The registries that announced it.
    ///   - readers: The registries that were read.
    private func owner(of names: [String], _ readers: [Int]) -> String {
        let isConfigured = names.map { name in configured.contains { $0.name == name } }
        if policy?.removedRegistries == .keep, let removed = names.first, !isConfigured.contains(true) {
            return removed
        }
        let index = readers.first { names.contains(registries[$0].name) } ?? readers.first ?? 0
        return registries[index].name
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
                registry.view.isEmpty ? .emptyAnswer : nil
            }
        guard
            let reaction = registries[index].registryGuard?.observeStart(change, registry.view, cause: cause, now: now)
        else { return take(reaction(to: change), from: index, now: now, &outcome) }
        take(reaction, from: index, now: now, &outcome)
    }
}

extension CatalogStore.Registry {
    /// Those of healthy instances.
    fileprivate func endpoints(of id: ServiceID) -> some Sequence<Endpoint> {
        (view.services[id] ?? InstanceTable()).healthy.lazy.map(\.endpoint)
    }

    /// Adds an endpoint that only an object shows. Its key is one that no registry uses.
    fileprivate mutating func guess(_ instance: Instance, of id: ServiceID) {
        let endpoint = instance.endpoint
        if view.serves(endpoint, of: id) || registryGuard?.held[id]?[endpoint] != nil { return }
        _ = view.set(InstanceKey(endpoint, of: id), of: id, instance)
        if stagedRead?.unreadable[id.name] != nil {
            _ = stagedRead?.set(InstanceKey(endpoint, of: id), of: id, instance)
        }
        guesses[id, default: []].insert(endpoint)
    }

    /// Removes all other endpoints from the view.
    fileprivate mutating func keep(_ shown: [ServiceID: Set<Endpoint>]) {
        for (id, table) in view.services {
            var kept = table
            kept.removeAll { shown[id]?.contains($0.endpoint) != true }
            if kept.count < table.count { view.put(id, kept) }
        }
    }
}
