internal import Services

/// Decides which removals of one registry are accepted: a pure policy over what was accepted, what is observed, and the
/// time.
///
/// Additions pass at once. A removal is either accepted or *held*: a held instance is still accepted as present. It is
/// held for a moment where a service would be left without any instance, until a second read confirms the removal. It
/// is held for longer where so much is removed that it looks like a failure of the registry. The accepted instances are
/// the observed and the held ones, so an event costs in proportion to what it changed.
package struct RegistryGuard: Sendable {
    struct Held: Sendable {
        var instance: Instance
        /// Orders the held instances by the time of their removal.
        var number: Int
        /// The number of the first full read that confirms the removal; `nil` where it takes more than one read.
        var confirmingRead: Int?
        /// The hold's own time from which on reads have to agree that the instance is gone.
        var since: Duration
        /// Whether its removal is part of the loss that the hold began with, so that its return is a recovery.
        var isOfFirstLoss: Bool
    }

    /// The outcome of an observation.
    struct Reaction: Sendable {
        /// The services whose accepted instances may have changed.
        var changed: Set<ServiceID> = []
        /// The endpoints whose removal is accepted.
        var released: [ServiceID: [Endpoint]] = [:]
        /// The names of services that need a second read.
        var reads: Set<String> = []
        /// The endpoints that are new, not returned.
        var additions: [ServiceID: [Endpoint]] = [:]

        mutating func release(_ id: ServiceID, _ endpoint: Endpoint) {
            changed.insert(id)
            released[id, default: []].append(endpoint)
        }
    }

    let policy: GuardPolicy
    private(set) var hold: Hold?
    private(set) var held: [ServiceID: [Endpoint: Held]] = [:]
    private(set) var heldCount = 0
    private var addresses = HeldAddresses()
    private var loss: NetLoss
    private var recentRemovals: RecentRemovals
    private var number = 0
    /// How many full reads have begun.
    private var readCount = 0

    init(policy: GuardPolicy) {
        self.policy = policy
        loss = NetLoss(window: policy.window)
        recentRemovals = RecentRemovals(policy: policy)
    }

    /// The time before the registry should be read again, since the hold waits for reads that agree. A hold that reads
    /// alone don't end still needs a read now and then: no event may have told of a recovery.
    var readInterval: Duration? {
        guard let hold, hold.cause.isOfRegistry else { return nil }
        return hold.needsOperator(held: heldCount) ? policy.holdFor : Hold.readInterval(policy)
    }
}

// MARK: - Observing

extension RegistryGuard {
    mutating func readBegins() {
        readCount += 1
    }

    /// Observes a change of the registry's view by an event, or by a read of one name.
    /// - Parameter name: The name that was read. The read confirms the removal of what is still missing.
    mutating func observe(
        _ change: ViewChange, _ view: View, read name: String? = nil, now: Duration
    ) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(additions: change.additions, beside: change.removalCount, view, &reaction, now: now)
        if let name, hold == nil {
            // Few services wait at any time. The removals of this very read are not among them yet.
            for id in held.keys where id.name == name { releaseConfirmed(id, &reaction, now: now) { _ in true } }
        }
        take(removals: change.removals, view, &reaction, now: now)
        return reaction
    }

    /// Observes a complete full read.
    mutating func observeRead(_ change: ViewChange, _ view: View, now: Duration) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(additions: change.additions, beside: change.removalCount, view, &reaction, now: now)
        // Delete events would be affirmative. An answer alone that there is nothing is not.
        if view.count == 0, hold == nil, !change.removals.isEmpty {
            let gone = heldCount + change.removalCount
            begin(Hold(cause: .emptyAnswer, since: now, lost: gone, held: gone, of: gone))
        }
        take(removals: change.removals, view, &reaction, now: now)
        confirmAll(view, &reaction, now: now)
        if hold != nil { agree(view, &reaction, now: now) }
        return reaction
    }

    /// Observes what became of the instances that were known from before the start: after the registry's first full
    /// read, or after that of the last registry that a service was waiting for.
    mutating func observeStart(
        _ change: ViewChange, _ view: View, cause: Hold.Cause?, now: Duration
    ) -> Reaction {
        var reaction = Reaction(additions: change.additions)
        let count = change.removalCount
        if count == 0 { return reaction }
        if let cause, hold == nil {
            begin(Hold(cause: cause, since: now, lost: count, held: count, of: view.count + count))
        }
        // Additions at the start pay for no later removal.
        loss.add(-min(change.additions.values.reduce(0) { $0 + $1.count }, count), at: now)
        take(removals: change.removals, view, &reaction, now: now)
        return reaction
    }

    mutating func interrupted() {
        hold?.interrupted()
    }

    private mutating func take(
        additions: [ServiceID: [Endpoint]], beside removalCount: Int, _ view: View, _ reaction: inout Reaction,
        now: Duration
    ) {
        if view.count > 0, hold?.cause == .emptyAnswer { hold?.cause = .netLoss }
        count(additions: additions, beside: removalCount, now: now)
        for (id, endpoints) in additions {
            // An instance that returns does not release a held one.
            let new = endpoints.filter { endpoint in
                guard let entry = drop(id, endpoint) else { return true }
                reaction.changed.insert(id)
                if entry.isOfFirstLoss { hold?.recovers(now: now) }
                return false
            }
            for endpoint in new {
                reaction.additions[id, default: []].append(endpoint)
                releaseOldest(of: id, &reaction, now: now)
            }
            // The service has an instance again.
            if hold == nil { releaseConfirmed(id, &reaction, now: now) { _ in true } }
        }
        endHoldIfEmpty(now: now)
    }

    /// Subtracts additions from the loss. A new endpoint pays for an earlier or a later removal, as in a deployment. An
    /// endpoint that returns, or comes during a hold, pays for an earlier removal only.
    /// - Parameter removalCount: How many removals the same answer shows.
    private mutating func count(additions: [ServiceID: [Endpoint]], beside removalCount: Int, now: Duration) {
        var new = 0
        var returned = 0
        for (id, endpoints) in additions {
            for endpoint in endpoints {
                if recentRemovals.returns(id, endpoint, now: now) || hold != nil { returned += 1 } else { new += 1 }
            }
        }
        loss.add(-new, at: now)
        loss.add(-min(returned, max(loss.total(at: now) + removalCount, 0)), at: now)
    }

    private mutating func take(
        removals: [ServiceID: [Instance]], _ view: View, _ reaction: inout Reaction, now: Duration
    ) {
        if removals.isEmpty { return }
        let count = removals.values.reduce(0) { $0 + $1.count }
        loss.add(count, at: now)
        let net = loss.total(at: now)
        if hold == nil, policy.isSuspicious(loss: net, of: view.count + net) {
            begin(Hold(cause: .netLoss, since: now, lost: net, held: heldCount + count, of: view.count + net))
        }
        for (id, instances) in removals {
            let isLast = view.services[id] == nil
            for instance in instances {
                if hold != nil {
                    keep(id, instance, until: nil, now: now)
                } else if isLast {
                    keep(id, instance, until: readCount + 1, now: now)
                    reaction.reads.insert(id.name)
                } else {
                    recentRemovals.add(id, instance.endpoint, now: now)
                    reaction.release(id, instance.endpoint)
                }
            }
        }
    }
}

// MARK: - Releasing

extension RegistryGuard {
    /// Accepts everything that was observed.
    mutating func release(now: Duration) -> Reaction {
        var reaction = Reaction()
        for (id, endpoints) in held {
            for endpoint in endpoints.keys { release(id, endpoint, &reaction, now: now) }
        }
        loss.reset()
        endHoldIfEmpty(now: now)
        return reaction
    }

    /// Releases the endpoints of other services at an address that a service registers now: networks reuse the
    /// addresses of pods.
    ///
    /// One process serves many services at one address. Held endpoints of the same application may just be about to
    /// return, and stay.
    /// - Parameter application: The application at the address now; empty where that isn't known.
    mutating func release(
        _ endpoint: Endpoint, registeredBy registrant: ServiceID, of application: String, now: Duration
    ) -> Reaction {
        var reaction = Reaction()
        for id in addresses[endpoint] where id != registrant {
            guard let entry = held[id]?[endpoint] else { continue }
            if !application.isEmpty, entry.instance.application == application { continue }
            release(id, endpoint, &reaction, now: now)
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    /// Releases the endpoints that the former leader's object of the service no longer shows.
    mutating func adopt(_ id: ServiceID, shown: Set<Endpoint>, now: Duration) -> Reaction {
        var reaction = Reaction()
        for endpoint in (held[id] ?? [:]).keys where !shown.contains(endpoint) {
            release(id, endpoint, &reaction, now: now)
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    func isHeld(_ endpoint: Endpoint) -> Bool { !addresses[endpoint].isEmpty }

    /// A new instance takes the place of the one that has been missing longest. That is only likely, so the release
    /// suppresses nothing that another registry announces.
    private mutating func releaseOldest(of id: ServiceID, _ reaction: inout Reaction, now: Duration) {
        guard let oldest = held[id]?.min(by: { $0.value.number < $1.value.number })?.key else { return }
        drop(id, oldest)
        recentRemovals.add(id, oldest, now: now)
        reaction.changed.insert(id)
    }

    private mutating func confirmAll(_ view: View, _ reaction: inout Reaction, now: Duration) {
        let readCount = readCount
        // An unreadable name confirms nothing.
        for id in held.keys where view.unreadable[id.name] == nil {
            if hold == nil {
                releaseConfirmed(id, &reaction, now: now) { $0 <= readCount }
            } else {
                // The removal has become part of a larger loss.
                for endpoint in held[id]?.keys.map({ $0 }) ?? [] { held[id]?[endpoint]?.confirmingRead = nil }
            }
        }
    }

    /// A full read agrees with the hold, except about names that are unreadable.
    private mutating func agree(_ view: View, _ reaction: inout Reaction, now: Duration) {
        hold?.agree(now: now)
        guard let hold else { return }
        let count = heldCount
        for (id, entries) in held {
            for (endpoint, entry) in entries {
                if view.unreadable[id.name] != nil {
                    held[id]?[endpoint]?.since = hold.time(at: now)
                } else if hold.remaining(policy, held: count, since: entry.since) == .zero {
                    release(id, endpoint, &reaction, now: now)
                }
            }
        }
        // The whole loss is accepted.
        if heldCount == 0 { loss.reset() }
        endHoldIfEmpty(now: now)
    }

    /// The shortest time until nothing is held any more; `nil` where only an operator or a recovery ends the hold.
    var remaining: Duration? {
        let latest = held.values.lazy.flatMap(\.values).map(\.since).max() ?? .zero
        return hold?.remaining(policy, held: heldCount, since: latest)
    }

    private mutating func releaseConfirmed(
        _ id: ServiceID, _ reaction: inout Reaction, now: Duration, where isConfirmed: (Int) -> Bool
    ) {
        for (endpoint, entry) in held[id] ?? [:] {
            guard let read = entry.confirmingRead, isConfirmed(read) else { continue }
            release(id, endpoint, &reaction, now: now)
        }
    }

    /// Accepts the removal of a held endpoint.
    private mutating func release(_ id: ServiceID, _ endpoint: Endpoint, _ reaction: inout Reaction, now: Duration) {
        drop(id, endpoint)
        recentRemovals.add(id, endpoint, now: now)
        reaction.release(id, endpoint)
    }

    private mutating func keep(_ id: ServiceID, _ instance: Instance, until read: Int?, now: Duration) {
        number += 1
        let entry = Held(
            instance: instance, number: number, confirmingRead: read, since: hold?.time(at: now) ?? .zero,
            isOfFirstLoss: hold.map { now - $0.since < policy.window } ?? true)
        if held[id, default: [:]].updateValue(entry, forKey: instance.endpoint) == nil {
            heldCount += 1
            addresses.add(instance.endpoint, id)
        }
    }

    /// - Returns: The entry, if the endpoint was held.
    @discardableResult
    private mutating func drop(_ id: ServiceID, _ endpoint: Endpoint) -> Held? {
        guard let entry = held[id]?.removeValue(forKey: endpoint) else { return nil }
        heldCount -= 1
        if held[id]?.isEmpty == true { held[id] = nil }
        addresses.remove(endpoint, id)
        return entry
    }

    private mutating func begin(_ new: Hold) {
        hold = new
        recentRemovals.holdBegins(now: new.since)
    }

    /// The removals that were accepted before the hold still count.
    private mutating func endHoldIfEmpty(now: Duration) {
        guard heldCount == 0, hold != nil else { return }
        hold = nil
        recentRemovals.holdEnds(now: now)
    }
}
