package import Services
package import Sources

extension CatalogStore {
    /// - Parameter now: Monotonic.
    package mutating func apply(_ event: SourceEvent, from registry: String, now: Duration) -> Outcome {
        var outcome = Changes()
        guard let index = registries.firstIndex(where: { $0.name == registry }), registries[index].health != .removed
        else { return Outcome() }
        switch event {
        case .begin:
            registries[index].shadow = Picture()
            registries[index].removals?.readBegins()
        case .services(let name, let services):
            if registries[index].shadow == nil {
                let wasUnknown = registries[index].picture.unknown.contains(name)
                let change = registries[index].picture.replace(name, with: services)
                observe(change, at: index, read: name, now: now, &outcome)
                if wasUnknown { settle(name: name, now: now, &outcome) }
            } else {
                let earlier = registries[index].picture
                registries[index].shadow?.draw(services, sharing: earlier)
            }
        case .unreadable(let name, let reason):
            registries[index].keep(name, reason: reason)
        case .complete:
            complete(index, now: now, &outcome)
        case .interrupted(let reason):
            registries[index].interrupted(reason: reason, now: now)
        case .added(let id, let key, let instance):
            // Of a name whose list can't be read, it says nothing about the others.
            observe(registries[index].set(key, of: id, instance), at: index, now: now, &outcome)
        case .removed(let id, let key):
            observe(registries[index].set(key, of: id, nil), at: index, now: now, &outcome)
        }
        return outcome.outcome
    }

    /// Believes all that a registry said, and ends its hold.
    /// - Returns: `nil` where nothing of it is held.
    package mutating func release(_ registry: String, now: Duration) -> Outcome? {
        guard let index = registries.firstIndex(where: { $0.name == registry }),
            registries[index].removals?.hold != nil, let reaction = registries[index].removals?.release(now: now)
        else { return nil }
        var outcome = Changes()
        take(reaction, from: index, now: now, &outcome)
        if registries[index].health == .removed { registries.remove(at: index) }
        return outcome.outcome
    }

    /// Another replica, which led, let go of what its objects show no more.
    /// - Parameter shown: By service and protocol, the endpoints in the objects that there are.
    package mutating func adopt(
        _ shown: [ServiceID: [PortProtocol: Set<Endpoint>]], now: Duration
    ) -> Outcome {
        var outcome = Changes()
        for index in registries.indices {
            for id in registries[index].removals?.held.keys.map({ $0 }) ?? [] {
                guard let shown = shown[id],
                    let reaction = registries[index].removals?.adopt(id, shown: shown, now: now)
                else { continue }
                outcome.changed.formUnion(reaction.changed)
            }
        }
        registries.removeAll { $0.health == .removed && $0.removals?.heldCount == 0 }
        return outcome.outcome
    }

    /// What becomes of an event, while it is being found out.
    struct Changes {
        var changed: Set<ServiceID> = []
        var reads: [String: Set<String>] = [:]

        var outcome: Outcome { Outcome(changed: changed.sorted(), reads: reads) }
    }
}

// MARK: - Under the guard

extension CatalogStore {
    private mutating func observe(
        _ change: PictureChange, at index: Int, read name: String? = nil, now: Duration, _ outcome: inout Changes
    ) {
        let picture = registries[index].picture
        guard let reaction = registries[index].removals?.observe(change, picture, read: name, now: now) else {
            return believe(change, at: index, now: now, &outcome)
        }
        take(reaction, from: index, now: now, &outcome)
    }

    /// Without a guard.
    func reaction(to change: PictureChange) -> RegistryGuard.Reaction {
        var reaction = RegistryGuard.Reaction(changed: change.services, newcomers: change.gained)
        for (id, instances) in change.lost { reaction.released[id] = instances.map(\.endpoint) }
        return reaction
    }

    private mutating func believe(_ change: PictureChange, at index: Int, now: Duration, _ outcome: inout Changes) {
        take(reaction(to: change), from: index, now: now, &outcome)
    }

    /// Carries a guard's decision to the other registries.
    mutating func take(
        _ reaction: RegistryGuard.Reaction, from index: Int, now: Duration, _ outcome: inout Changes
    ) {
        outcome.changed.formUnion(reaction.changed)
        if !reaction.reads.isEmpty { outcome.reads[registries[index].name, default: []].formUnion(reaction.reads) }
        for (id, endpoints) in reaction.newcomers {
            for endpoint in endpoints { announced(endpoint, of: id, now: now, &outcome) }
        }
        guard registries[index].health == .healthy else { return }
        for (id, endpoints) in reaction.released { overrule(endpoints, of: id, by: index) }
    }

    /// What is announced by one registry is overruled in none, and held for no other service.
    private mutating func announced(
        _ endpoint: Endpoint, of id: ServiceID, now: Duration, _ outcome: inout Changes
    ) {
        for index in registries.indices {
            if registries[index].overruled[id]?.remove(endpoint) != nil { outcome.changed.insert(id) }
            if registries[index].guesses[id]?.remove(endpoint) != nil {
                let change = registries[index].picture.set(InstanceKey(endpoint, of: id), of: id, nil)
                outcome.changed.formUnion(change.services)
            }
            guard registries[index].removals?.isHeld(endpoint) == true else { continue }
            let application = application(of: endpoint, id)
            guard
                let reaction = registries[index].removals?.release(
                    endpoint, registeredBy: id, of: application, now: now)
            else { continue }
            outcome.changed.formUnion(reaction.changed)
        }
    }

    private func application(of endpoint: Endpoint, _ id: ServiceID) -> String {
        for registry in registries {
            let entry = registry.picture.services[id]?.instances.first { $0.endpoint == endpoint }
            if let entry { return entry.application }
        }
        return ""
    }

    /// The affirmative removal in a registry that is followed counts more than the last good picture of one that isn't.
    private mutating func overrule(_ endpoints: [Endpoint], of id: ServiceID, by source: Int) {
        // It may not have been the one that announced them.
        let endpoints = endpoints.filter { registries[source].guesses[id]?.remove($0) == nil }
        for index in registries.indices where index != source {
            guard registries[index].isStale else { continue }
            for endpoint in endpoints where registries[index].picture.announces(endpoint, of: id) {
                registries[index].overruled[id, default: []].insert(endpoint)
            }
        }
    }

    private mutating func complete(_ index: Int, now: Duration, _ outcome: inout Changes) {
        guard let complete = registries[index].shadow.take() else { return }
        let isFirst = !registries[index].hasBeenComplete
        var change = PictureChange()
        let nobodyWaits =
            seeds.isEmpty && registries.allSatisfy { $0.overruled.isEmpty && $0.removals?.heldCount ?? 0 == 0 }
        if isFirst, nobodyWaits, registries[index].picture.count == 0 {
            // Of a hundred thousand instances it takes long to tell what is new.
            change.services = Set(complete.services.keys)
        } else {
            change = registries[index].picture.change(to: complete)
        }
        registries[index].picture = complete
        registries[index].health = .healthy
        for (id, endpoints) in registries[index].guesses {
            let left = endpoints.filter { !complete.announces($0, of: id) }
            registries[index].guesses[id] = left.isEmpty ? nil : left
        }
        change.services.formUnion(registries[index].overruled.keys)
        registries[index].overruled = [:]
        var newcomers: [ServiceID: [Endpoint]] = [:]
        if isFirst {
            registries[index].hasBeenComplete = true
            // Nothing of it is a change: what was known before are the seeds.
            newcomers = change.gained.filter { seeds[$0.key] == nil }
            change.gained = [:]
            change.lost = [:]
        }
        if let reaction = registries[index].removals?.observeRead(change, complete, now: now) {
            take(reaction, from: index, now: now, &outcome)
        } else {
            take(self.reaction(to: change), from: index, now: now, &outcome)
        }
        if !seeds.isEmpty { settle(now: now, &outcome) }
        take(RegistryGuard.Reaction(newcomers: newcomers), from: index, now: now, &outcome)
    }
}

// MARK: - Pictures

extension CatalogStore.Registry {
    /// A change is newer than what a full read has drawn so far, hence it counts in both pictures.
    fileprivate mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> PictureChange {
        _ = shadow?.set(key, of: id, instance)
        return picture.set(key, of: id, instance)
    }

    fileprivate mutating func keep(_ name: String, reason: String) {
        picture.unreadable[name] = reason
        guard shadow != nil else { return }
        shadow?.unreadable[name] = reason
        if !hasBeenComplete || picture.unknown.contains(name) { shadow?.unknown.insert(name) }
        shadow?.draw(picture, name)
    }

    fileprivate mutating func interrupted(reason: String, now: Duration) {
        shadow = nil
        removals?.interrupted()
        if !hasBeenComplete {
            health = .starting(reason: reason)
        } else if case .stale(_, let since) = health {
            health = .stale(reason: reason, since: since)
        } else {
            health = .stale(reason: reason, since: now)
        }
    }
}

extension Picture {
    fileprivate mutating func becomesReadable(_ name: String) {
        unreadable[name] = nil
        unknown.remove(name)
    }

    /// All that is said of one name.
    fileprivate mutating func replace(_ name: String, with services: SourceEvent.Instances) -> PictureChange {
        becomesReadable(name)
        var change = PictureChange()
        for id in Set(names[name] ?? []).union(services.keys) {
            change.merge(replace(id, with: InstanceTable(services[id] ?? [:])))
        }
        return change
    }

    /// What a full read says of one name. Two spellings of one name may stand side by side.
    fileprivate mutating func draw(_ services: SourceEvent.Instances, sharing earlier: Picture) {
        for (id, instances) in services where !instances.isEmpty {
            let table = InstanceTable(instances)
            draw(id, self.services[id]?.merging(table) ?? table, sharing: earlier)
        }
    }

    /// What an earlier picture says of a name goes on, unless it was read under another spelling.
    fileprivate mutating func draw(_ earlier: Picture, _ name: String) {
        for id in earlier.names[name] ?? [] {
            guard let known = earlier.services[id] else { continue }
            draw(id, services[id].map { known.merging($0) } ?? known, sharing: earlier)
        }
    }
}
