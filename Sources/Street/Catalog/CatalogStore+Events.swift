package import Services
package import Sources

extension CatalogStore {
    /// - Parameter now: Monotonic.
    package mutating func apply(_ event: SourceEvent, from registry: String, now: Duration) -> Outcome {
        var outcome = Changes()
        guard let index = registries.firstIndex(where: { $0.name == registry }), registries[index].health != .removed,
            let event = registries[index].admission.admit(
                event, into: registries[index].view, registries[index].stagedRead, seeds: seeds,
                isFirst: !registries[index].hasBeenComplete)
        else { return Outcome() }
        switch event {
        case .begin:
            var staged = View()
            staged.uncarried = registries[index].view.uncarried
            registries[index].stagedRead = staged
            registries[index].registryGuard?.readBegins()
        case .services(let name, let services):
            if registries[index].stagedRead == nil {
                let wasUnknown = registries[index].view.unknown.contains(name)
                let change = registries[index].replace(name, with: services)
                observe(change, at: index, read: name, now: now, &outcome)
                if wasUnknown { settle(now: now, &outcome) }
            } else {
                let earlier = registries[index].view
                registries[index].stagedRead?.add(services, sharing: earlier)
            }
        case .unreadable(let name, let reason, let isAnswered):
            registries[index].keepUnreadable(name, reason: reason, isAnswered: isAnswered)
        case .complete:
            complete(index, now: now, &outcome)
        case .interrupted(let reason):
            registries[index].interrupted(reason: reason, now: now)
        case .added(let id, let key, let instance):
            // The name stays unreadable: one instance says nothing about the others.
            observe(registries[index].set(key, of: id, instance), at: index, now: now, &outcome)
        case .removed(let id, let key, let endpoint):
            observe(registries[index].remove(key, of: id, at: endpoint), at: index, now: now, &outcome)
        case .notes(let notes):
            registries[index].take(notes)
        }
        let names = registries[index].admission.namesWithRoom(after: event, in: registries[index].view)
        if !names.isEmpty { outcome.reads[registry, default: []].formUnion(names) }
        return outcome.outcome
    }

    /// A time has come that `nextWake` asked for.
    package mutating func wake(now: Duration) -> Outcome {
        var outcome = Changes()
        for index in registries.indices {
            let view = registries[index].view
            guard let alarm = registries[index].registryGuard?.alarm, alarm <= now,
                let reaction = registries[index].registryGuard?.wake(view, now: now)
            else { continue }
            take(reaction, from: index, now: now, &outcome)
        }
        return outcome.outcome
    }

    /// Releases the held endpoints that the former leader's objects no longer show.
    /// - Parameter shown: The endpoints in the object of each service.
    package mutating func adopt(_ shown: [ServiceID: Set<Endpoint>], now: Duration) -> Outcome {
        var outcome = Changes()
        for index in registries.indices {
            for id in registries[index].registryGuard?.held.services.map({ $0 }) ?? [] {
                guard let shown = shown[id],
                    let reaction = registries[index].registryGuard?.adopt(id, shown: shown, now: now)
                else { continue }
                outcome.changed.formUnion(reaction.changed)
            }
        }
        registries.removeAll { $0.health == .removed && $0.registryGuard?.held.isEmpty != false }
        return outcome.outcome
    }

    /// The outcome of an event, in the making.
    struct Changes {
        var changed: Set<ServiceID> = []
        var reads: [String: Set<String>] = [:]

        var outcome: Outcome { Outcome(changed: changed.sorted(), reads: reads) }
    }
}

// MARK: - Under the guard

extension CatalogStore {
    private mutating func observe(
        _ change: ViewChange, at index: Int, read name: String? = nil, now: Duration, _ outcome: inout Changes
    ) {
        noteNews(of: change.services)
        let view = registries[index].view
        guard let reaction = registries[index].registryGuard?.observe(change, view, read: name, now: now) else {
            return take(self.reaction(to: change), from: index, now: now, &outcome)
        }
        take(reaction, from: index, now: now, &outcome)
    }

    /// The reaction of a registry without a guard: everything is accepted.
    func reaction(to change: ViewChange) -> RegistryGuard.Reaction {
        var reaction = RegistryGuard.Reaction(changed: change.services, additions: change.additions)
        reaction.changed.formUnion(change.removals.keys)
        return reaction
    }

    /// Carries a guard's decision to the other registries.
    mutating func take(
        _ reaction: RegistryGuard.Reaction, from index: Int, now: Duration, _ outcome: inout Changes
    ) {
        outcome.changed.formUnion(reaction.changed)
        if !reaction.reads.isEmpty { outcome.reads[registries[index].name, default: []].formUnion(reaction.reads) }
        for (id, endpoints) in reaction.additions {
            for endpoint in endpoints { announced(endpoint, of: id, now: now, &outcome) }
        }
    }

    /// An endpoint that a registry announces is held for no other service.
    private mutating func announced(
        _ endpoint: Endpoint, of id: ServiceID, now: Duration, _ outcome: inout Changes
    ) {
        for index in registries.indices {
            guard registries[index].registryGuard?.isHeld(endpoint) == true else { continue }
            if registries[index].health == .removed {
                // From now on a configured registry answers for it.
                registries[index].registryGuard?.letGo(endpoint, of: id, now: now)
            }
            let application = application(of: endpoint, id)
            guard
                let reaction = registries[index].registryGuard?.release(
                    endpoint, registeredBy: id, of: application, now: now)
            else { continue }
            outcome.changed.formUnion(reaction.changed)
        }
    }

    private func application(of endpoint: Endpoint, _ id: ServiceID) -> String {
        for registry in registries {
            let entry = registry.view.services[id]?.instances.first { $0.endpoint == endpoint }
            if let entry { return entry.application }
        }
        return ""
    }

    /// A service of which a registry had a say stays decidable, also where that registry has nothing of it any more.
    private mutating func noteNews(of services: Set<ServiceID>) {
        if seeds.isEmpty { return }
        for id in services { seeds[id]?.hasNews = true }
    }

    private mutating func complete(_ index: Int, now: Duration, _ outcome: inout Changes) {
        guard let complete = registries[index].stagedRead.take() else { return }
        let isFirst = !registries[index].hasBeenComplete
        var change = ViewChange()
        let nothingIsPending =
            seeds.isEmpty && registries.allSatisfy { $0.registryGuard?.held.isEmpty != false }
        if isFirst, nothingIsPending, registries[index].view.count == 0 {
            // Comparing a hundred thousand instances would take long.
            change.services = Set(complete.services.keys)
        } else {
            change = registries[index].view.change(to: complete)
        }
        noteNews(of: change.services)
        registries[index].view = complete
        registries[index].health = .healthy
        registries[index].guesses = registries[index].guesses.filter { complete.unreadable[$0.key.name] != nil }
        var additions: [ServiceID: [Endpoint]] = [:]
        if isFirst {
            registries[index].hasBeenComplete = true
            // The first view is no change. What was known before it are the seeds.
            additions = change.additions.filter { id, _ in
                seeds[id].map { !bearers(of: $0.registries).contains(index) } ?? true
            }
            change.additions = [:]
            change.removals = [:]
        }
        if let reaction = registries[index].registryGuard?.observeRead(change, complete, now: now) {
            take(reaction, from: index, now: now, &outcome)
        } else {
            take(self.reaction(to: change), from: index, now: now, &outcome)
        }
        if isFirst { settle(by: index, now: now, &outcome) }
        take(RegistryGuard.Reaction(additions: additions), from: index, now: now, &outcome)
    }
}

// MARK: - Views

extension CatalogStore.Registry {
    /// Changes both views: an event is newer than what a full read has seen so far.
    fileprivate mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> ViewChange {
        _ = stagedRead?.set(key, of: id, instance)
        var change = view.set(key, of: id, instance)
        if let endpoint = instance?.endpoint, let other = confirmGuess(of: id, at: endpoint) { change.merge(other) }
        return change
    }

    /// - Parameter endpoint: Where the instance served. Of an instance that this run of the bridge never saw, nothing
    ///   else is known.
    fileprivate mutating func remove(_ key: InstanceKey, of id: ServiceID, at endpoint: Endpoint?) -> ViewChange {
        let isKnown = view.services[id]?[key] != nil
        let change = set(key, of: id, nil)
        guard let endpoint, !isKnown else { return change }
        return confirmGuess(of: id, at: endpoint) ?? change
    }

    /// The registry says itself what it announces at an endpoint.
    private mutating func confirmGuess(of id: ServiceID, at endpoint: Endpoint) -> ViewChange? {
        guard guesses[id]?.remove(endpoint) != nil else { return nil }
        if guesses[id]?.isEmpty == true { guesses[id] = nil }
        _ = stagedRead?.set(InstanceKey(endpoint, of: id), of: id, nil)
        return view.set(InstanceKey(endpoint, of: id), of: id, nil)
    }

    /// Takes over all that the registry says of one name.
    fileprivate mutating func replace(_ name: String, with services: SourceEvent.Instances) -> ViewChange {
        if !guesses.isEmpty { guesses = guesses.filter { !$0.key.isNamed(name) } }
        return view.replace(name, with: services)
    }

    /// Keeps the last good view of a name.
    fileprivate mutating func keepUnreadable(_ name: String, reason: String, isAnswered: Bool) {
        view.note(unreadable: name, reason: reason, isAnswered: isAnswered)
        guard stagedRead != nil else { return }
        stagedRead?.note(unreadable: name, reason: reason, isAnswered: isAnswered)
        if !hasBeenComplete || view.unknown.contains(name) { stagedRead?.unknown.insert(name) }
        stagedRead?.add(name, from: view)
    }

    fileprivate mutating func take(_ notes: [RegistryNote]) {
        self.notes = notes
        let count = notes.lazy.filter(\.areInstances).map(\.count).reduce(0, +)
        view.uncarried = count
        stagedRead?.uncarried = count
    }

    fileprivate mutating func interrupted(reason: String, now: Duration) {
        stagedRead = nil
        registryGuard?.interrupted()
        if !hasBeenComplete {
            health = .starting(reason: reason)
        } else if case .stale(_, let since) = health {
            health = .stale(reason: reason, since: since)
        } else {
            health = .stale(reason: reason, since: now)
        }
    }
}

extension View {
    fileprivate mutating func note(unreadable name: String, reason: String, isAnswered: Bool) {
        unreadable[name] = reason
        if isAnswered { answered.insert(name) } else { answered.remove(name) }
    }

    fileprivate mutating func becomesReadable(_ name: String) {
        unreadable[name] = nil
        answered.remove(name)
        unknown.remove(name)
    }

    /// Takes over all that the registry says of one name.
    fileprivate mutating func replace(_ name: String, with services: SourceEvent.Instances) -> ViewChange {
        becomesReadable(name)
        var change = ViewChange()
        for id in Set(self.services(named: name)).union(services.keys) {
            change.merge(replace(id, with: InstanceTable(services[id] ?? [:])))
        }
        return change
    }

    /// Adds what a full read says of one name. The registry may list one name in two spellings.
    fileprivate mutating func add(_ services: SourceEvent.Instances, sharing earlier: View) {
        for (id, instances) in services where !instances.isEmpty {
            let table = InstanceTable(instances)
            put(id, self.services[id]?.merging(table) ?? table, sharing: earlier)
        }
    }

    /// Carries over what an earlier view has of a name. What was read under another spelling counts more.
    fileprivate mutating func add(_ name: String, from earlier: View) {
        for id in earlier.services(named: name) {
            guard let known = earlier.services[id] else { continue }
            put(id, services[id].map { known.merging($0) } ?? known, sharing: earlier)
        }
    }
}
