internal import Services

extension RegistryGuard {
    /// How removals come to be known.
    private enum Occasion {
        /// An event, or the list of one name. More removals may follow, or the arrivals that pay for them.
        case event
        /// A complete view. Nothing that follows could say more.
        case completeView
        /// It is certain that they are not to be accepted.
        case failure(Hold.Cause)
    }

    /// Observes a change of the registry's view by an event, or by a read of one name.
    /// - Parameter name: The name that was read. The read confirms the removal of what is still missing.
    mutating func observe(_ change: ViewChange, _ view: View, read name: String? = nil, now: Duration) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(additions: change.additions, view, &reaction, now: now)
        // The removals of this very read are not among them yet.
        if let name, hold == nil {
            for id in held.services where id.name == name { confirm(id, &reaction, now: now) { _ in true } }
        }
        take(removals: change.removals, view, .event, &reaction, now: now)
        return reaction
    }

    /// Observes a complete full read.
    mutating func observeRead(_ change: ViewChange, _ view: View, now: Duration) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(additions: change.additions, view, &reaction, now: now)
        // Delete events would be affirmative. An answer alone that there is nothing is not.
        let isEmptyAnswer = view.isEmpty && !change.removals.isEmpty
        take(
            removals: change.removals, view, isEmptyAnswer ? .failure(.emptyAnswer) : .completeView, &reaction, now: now
        )
        judge(view, &reaction, now: now)
        let readCount = readCount
        for id in held.services where view.unreadable[id.name] == nil {
            // An unreadable name confirms nothing.
            confirm(id, &reaction, now: now) { $0 <= readCount }
        }
        if hold != nil { agree(view, &reaction, now: now) }
        return reaction
    }

    /// Observes what became of the instances that were known from before the start: after the registry's first full
    /// read, or after that of the last registry that a service was waiting for.
    mutating func observeStart(
        _ change: ViewChange, _ view: View, cause: Hold.Cause?, now: Duration
    ) -> Reaction {
        var reaction = Reaction(additions: change.additions)
        if change.removals.isEmpty { return reaction }
        for (id, endpoints) in change.additions {
            for endpoint in endpoints { ledger.arrive(id, endpoint, returns: false, now: now) }
        }
        take(
            removals: change.removals, view, cause.map { .failure($0) } ?? .completeView, &reaction, now: now)
        // Additions at the start pay for no later removal.
        ledger.retireArrivals()
        return reaction
    }

    // MARK: Additions

    private mutating func take(
        additions: [ServiceID: [Endpoint]], _ view: View, _ reaction: inout Reaction, now: Duration
    ) {
        if view.healthyCount > 0, hold?.cause == .emptyAnswer { hold?.cause = .netLoss }
        for (id, endpoints) in additions {
            for endpoint in endpoints { take(addition: endpoint, of: id, &reaction, now: now) }
            if hold == nil { noLongerEmpty(id, &reaction, now: now) }
        }
        endHoldIfEmpty(now: now)
    }

    private mutating func take(addition endpoint: Endpoint, of id: ServiceID, _ reaction: inout Reaction, now: Duration)
    {
        let wasRemoved = recentRemovals.returns(id, endpoint, now: now) || ledger.hasRemoval(id, endpoint)
        guard let entry = held.drop(id, endpoint) else {
            reaction.additions[id, default: []].append(endpoint)
            ledger.arrive(id, endpoint, returns: wasRemoved, now: now)
            // It may take the place of a held instance.
            if !wasRemoved, hold != nil, held[id] != nil { alarm = alarm ?? now + policy.settle }
            return
        }
        // An instance that returns does not release a held one.
        reaction.changed.insert(id)
        if entry.since == nil {
            ledger.arrive(id, endpoint, returns: true, now: now)
        } else {
            ledger.returnsFromHold(now: now)
        }
        if entry.isOfFirstLoss { hold?.recovers(now: now) }
    }

    /// The service has an instance again, so its removals need no second read.
    private mutating func noLongerEmpty(_ id: ServiceID, _ reaction: inout Reaction, now: Duration) {
        for (endpoint, entry) in held[id] ?? [:] {
            switch entry.reason {
            case .settling: held.set(.settling(nil), of: id, endpoint)
            case .unconfirmed: release(id, endpoint, &reaction, now: now)
            case .hold: break
            }
        }
    }

    // MARK: Removals

    private mutating func take(
        removals: [ServiceID: [Instance]], _ view: View, _ occasion: Occasion, _ reaction: inout Reaction,
        now: Duration
    ) {
        if removals.isEmpty { return }
        if hold != nil { return keep(removals, &reaction, now: now) }
        if period.map({ $0.end <= now }) ?? true { period = SettlePeriod(end: now + policy.settle) }
        var comeAndGo: Set<ServiceID> = []
        var count = 0
        for (id, instances) in removals {
            for instance in instances {
                if ledger.hasReturned(id, instance.endpoint) { comeAndGo.insert(id) }
                ledger.leave(id, instance, now: now)
                period?.add(instance.endpoint)
                count += 1
            }
        }
        ledger.pay()
        var passes = !isSuspicious(view)
        switch occasion {
        case .failure(let cause):
            // Nothing pays for a removal that is not believed.
            for (id, instances) in removals {
                for instance in instances { held.put(id, instance, .settling(nil)) }
            }
            return begin(cause, view, &reaction, now: now)
        case .completeView: if !passes { return begin(.netLoss, view, &reaction, now: now) }
        case .event: if period?.areFew(of: view.healthyCount + count) == false { passes = false }
        }
        for (id, instances) in removals {
            let notBefore = comeAndGo.contains(id) ? now + policy.settle : now
            let confirmation =
                !view.serves(id)
                ? HeldInstance.Confirmation(read: readCount + 1, notBefore: notBefore) : nil
            if confirmation != nil { reaction.reads.insert(id.name) }
            for instance in instances {
                if !passes {
                    held.put(id, instance, .settling(confirmation))
                } else if let confirmation {
                    held.put(id, instance, .unconfirmed(confirmation))
                } else {
                    accept(id, instance.endpoint, &reaction, now: now)
                }
            }
        }
        if !passes, let period { alarm = min(alarm ?? period.end, period.end) }
    }

    /// Holds the removals, and those that the instances had paid for.
    private mutating func keep(_ removals: [ServiceID: [Instance]], _ reaction: inout Reaction, now: Duration) {
        guard let hold else { return }
        let reason = HeldInstance.Reason.hold(
            since: hold.time(at: now), isOfFirstLoss: now - hold.since < policy.window)
        for (id, instances) in removals {
            for instance in instances {
                held.put(id, instance, reason)
                guard let payee = ledger.leaveHeld(id, instance.endpoint) else { continue }
                held.put(id, payee, reason)
                reaction.changed.insert(id)
            }
        }
    }
}
