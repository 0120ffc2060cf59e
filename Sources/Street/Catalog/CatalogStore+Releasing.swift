package import Services

/// Endpoints that stand in the mesh although a registry does not show them.
///
/// *Held* are those that the guard keeps. *Left over* are those that only an earlier state keeps: of a name that was
/// read and none of whose registrations can be used, or of a name whose list can't be read and that nothing was seen of
/// since the start.
extension CatalogStore {
    /// The outcome of an operator's release.
    package struct Release: Sendable {
        /// The hold that it ended or made smaller, as it was.
        package var hold: HoldReport?
        /// How many instances went.
        package var instances = 0
        /// Their services.
        package var services: Set<ServiceID> = []
    }

    /// Accepts everything that a registry says.
    /// - Parameter service: Only of this service, as its text or as its name. Then also what is left over of a name
    ///   whose list can't be read, and everything that a registry which can't be followed announced: none of that goes
    ///   unless somebody names it.
    /// - Returns: `nil` where there is nothing to let go.
    package mutating func release(
        _ registry: String, service: String? = nil, now: Duration
    ) -> (release: Release, outcome: Outcome)? {
        guard let index = registries.firstIndex(where: { $0.name == registry }) else { return nil }
        func isMeant(_ id: ServiceID) -> Bool {
            service.map { id.description == $0 || id.isNamed($0) } ?? true
        }
        var release = Release(hold: registries[index].report.hold)
        var outcome = Changes()
        let held = registries[index].registryGuard?.held ?? HeldInstances()
        for id in held.services where isMeant(id) {
            release.add(id, held[id]?.count ?? 0)
        }
        if let reaction = registries[index].registryGuard?.release(now: now, where: isMeant) {
            take(reaction, from: index, now: now, &outcome)
        }
        for (id, endpoints) in registries[index].leftOver(isNamed: service != nil) where isMeant(id) {
            release.add(id, endpoints.count)
            registries[index].drop(endpoints, of: id)
        }
        if service != nil {
            for id in seeds.keys where isMeant(id) { release.add(id, dropSeeds(of: id, from: registry)) }
        }
        if release.services.isEmpty { return nil }
        outcome.changed.formUnion(release.services)
        if registries[index].health == .removed, registries[index].registryGuard?.held.isEmpty != false {
            registries.remove(at: index)
        }
        return (release, outcome.outcome)
    }

    /// - Returns: How many instances waited for the registry.
    private mutating func dropSeeds(of id: ServiceID, from registry: String) -> Int {
        guard var seed = seeds[id] else { return 0 }
        var count = 0
        for instance in seed.instances {
            let endpoint = instance.endpoint
            let names = seed.registries(announcing: endpoint)
            if !names.contains(registry) { continue }
            count += 1
            seed.announcers[endpoint] = names.filter { $0 != registry }
        }
        if count == 0 { return 0 }
        seed.instances = seed.instances.filter { seed.announcers[$0.endpoint]?.isEmpty != true }
        seed.registries.removeAll { $0 == registry }
        let isOver = seed.registries.isEmpty || bearers(of: seed.registries).allSatisfy { hasRead(id, $0) }
        seeds[id] = isOver ? nil : seed
        return count
    }
}

extension CatalogStore.Release {
    fileprivate mutating func add(_ id: ServiceID, _ count: Int) {
        if count == 0 { return }
        instances += count
        services.insert(id)
    }
}

extension CatalogStore.Registry {
    /// The endpoints of the view that are left over.
    /// - Parameter isNamed: Whether somebody names the service, so that also those are meant of which it is not known
    ///   whether they are.
    func leftOver(isNamed: Bool) -> [ServiceID: [Endpoint]] {
        var found: [ServiceID: [Endpoint]] = [:]
        for name in view.answered {
            for id in view.services(named: name) {
                found[id] = (view.services[id] ?? InstanceTable()).instances.map(\.endpoint)
            }
        }
        if !isNamed { return found }
        for (id, endpoints) in guesses where found[id] == nil { found[id] = endpoints.sorted() }
        if health != .healthy {
            for (id, table) in view.services { found[id] = table.instances.map(\.endpoint) }
        }
        return found
    }

    /// How many instances of the view were not seen in the registry by its last answer, and of which services.
    var unseen: [ServiceID: Int] {
        var counts = leftOver(isNamed: false).mapValues(\.count)
        for (id, endpoints) in guesses where counts[id] == nil { counts[id] = endpoints.count }
        return counts
    }

    fileprivate mutating func drop(_ endpoints: [Endpoint], of id: ServiceID) {
        guard var table = view.services[id] else { return }
        let gone = Set(endpoints)
        table.removeAll { gone.contains($0.endpoint) }
        view.put(id, table)
        if var staged = stagedRead?.services[id] {
            staged.removeAll { gone.contains($0.endpoint) }
            stagedRead?.put(id, staged)
        }
        guesses[id]?.subtract(gone)
        if guesses[id]?.isEmpty == true { guesses[id] = nil }
    }
}
