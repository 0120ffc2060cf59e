internal import Services

/// Decides which losses of one registry are believed: a pure policy over what was accepted, what is observed, and the time.
///
/// What a registry says anew passes at once. What it no longer says is either let go or *held*, which means that the instance is
/// still accepted: for a moment, where a service would be left without any instance, until a second read has confirmed it; or for
/// longer, where so much is lost that it looks like a failure of the registry. Accepted is what is observed and what is held, so an
/// event costs in proportion to what it changed.
package struct RegistryGuard: Sendable {
    struct Held: Sendable {
        var instance: Instance
        /// Orders what is held by how long it has been.
        var number: Int
        /// The full read that confirms the loss, and all after it; `nil` where that takes more than a read.
        var confirmingRead: Int?
        /// The hold's time from which on reads have to agree that it is gone.
        var since: Duration
        /// Whether it went in the course of the loss that the hold began with, so that its return is a recovery.
        var isOfFirstLoss: Bool
    }

    /// What came of an observation.
    struct Reaction: Sendable {
        /// Whose accepted instances may differ from before.
        var changed: Set<ServiceID> = []
        /// What was let go.
        var released: [ServiceID: [Endpoint]] = [:]
        /// Services to be read a second time, by name.
        var reads: Set<String> = []
        /// Endpoints that did not come back but are new.
        var newcomers: [ServiceID: [Endpoint]] = [:]

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
    private var departures: Departures
    private var number = 0
    /// How many full reads have begun.
    private var readCount = 0

    init(policy: GuardPolicy) {
        self.policy = policy
        loss = NetLoss(window: policy.window)
        departures = Departures(policy: policy)
    }

    /// The pause before the registry should be read again, since the hold waits for reads that agree. Where these alone release nothing,
    /// one now and then still finds a recovery that no event told of.
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

    /// The registry's picture changed by an event, or by a read of one name.
    /// - Parameter name: What was read, which confirms the loss of what is still missing.
    mutating func observe(
        _ change: PictureChange, _ picture: Picture, read name: String? = nil, now: Duration
    ) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(change.gained, beside: change.lostCount, picture, &reaction, now: now)
        if let name, hold == nil {
            // Few services wait at any time. What this read itself finds missing is not among them yet.
            for id in held.keys where id.name == name { letGo(id, &reaction, now: now) { _ in true } }
        }
        take(change.lost, picture, &reaction, now: now)
        return reaction
    }

    /// A full read is complete.
    mutating func observeRead(_ change: PictureChange, _ picture: Picture, now: Duration) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(change.gained, beside: change.lostCount, picture, &reaction, now: now)
        // Delete events would be affirmative; an answer alone, that nothing is there, is not.
        if picture.count == 0, hold == nil, !change.lost.isEmpty {
            let gone = heldCount + change.lostCount
            begin(Hold(cause: .emptyAnswer, since: now, lost: gone, held: gone, of: gone))
        }
        take(change.lost, picture, &reaction, now: now)
        confirmAll(picture, &reaction, now: now)
        if hold != nil { agree(picture, &reaction, now: now) }
        return reaction
    }

    /// The registry's first full read, or that of the last registry that a service was waiting for, has settled what became of
    /// instances that were known from before the start.
    mutating func observeStart(
        _ change: PictureChange, _ picture: Picture, cause: Hold.Cause?, now: Duration
    ) -> Reaction {
        var reaction = Reaction(newcomers: change.gained)
        let count = change.lostCount
        if count == 0 { return reaction }
        if let cause, hold == nil {
            begin(Hold(cause: cause, since: now, lost: count, held: count, of: picture.count + count))
        }
        // What is new at the start is no reason to believe later losses.
        loss.add(-min(change.gained.values.reduce(0) { $0 + $1.count }, count), at: now)
        take(change.lost, picture, &reaction, now: now)
        return reaction
    }

    mutating func interrupted() {
        hold?.interrupted()
    }

    private mutating func take(
        _ gained: [ServiceID: [Endpoint]], beside lostCount: Int, _ picture: Picture, _ reaction: inout Reaction,
        now: Duration
    ) {
        if picture.count > 0, hold?.cause == .emptyAnswer { hold?.cause = .netLoss }
        gain(gained, beside: lostCount, now: now)
        for (id, endpoints) in gained {
            // Who comes back makes no room for himself.
            let newcomers = endpoints.filter { endpoint in
                guard let entry = drop(id, endpoint) else { return true }
                reaction.changed.insert(id)
                if entry.isOfFirstLoss { hold?.recovers(now: now) }
                return false
            }
            for endpoint in newcomers {
                reaction.newcomers[id, default: []].append(endpoint)
                releaseOldest(of: id, &reaction, now: now)
            }
            // It is not without instances any more.
            if hold == nil { letGo(id, &reaction, now: now) { _ in true } }
        }
        endHoldIfEmpty(now: now)
    }

    /// What is new makes up for what went before or goes next, as in a deployment; what comes back, or comes while something is held, only
    /// for what went.
    /// - Parameter lostCount: How many instances the same answer shows to be gone.
    private mutating func gain(_ gained: [ServiceID: [Endpoint]], beside lostCount: Int, now: Duration) {
        var new = 0
        var returned = 0
        for (id, endpoints) in gained {
            for endpoint in endpoints {
                if departures.returns(id, endpoint, now: now) || hold != nil { returned += 1 } else { new += 1 }
            }
        }
        loss.add(-new, at: now)
        loss.add(-min(returned, max(loss.total(at: now) + lostCount, 0)), at: now)
    }

    private mutating func take(
        _ lost: [ServiceID: [Instance]], _ picture: Picture, _ reaction: inout Reaction, now: Duration
    ) {
        if lost.isEmpty { return }
        let count = lost.values.reduce(0) { $0 + $1.count }
        loss.add(count, at: now)
        let net = loss.total(at: now)
        if hold == nil, policy.isSuspicious(loss: net, of: picture.count + net) {
            begin(Hold(cause: .netLoss, since: now, lost: net, held: heldCount + count, of: picture.count + net))
        }
        for (id, instances) in lost {
            let isLast = picture.services[id] == nil
            for instance in instances {
                if hold != nil {
                    keep(id, instance, until: nil, now: now)
                } else if isLast {
                    keep(id, instance, until: readCount + 1, now: now)
                    reaction.reads.insert(id.name)
                } else {
                    departures.add(id, instance.endpoint, now: now)
                    reaction.release(id, instance.endpoint)
                }
            }
        }
    }
}

// MARK: - Letting go

extension RegistryGuard {
    /// Believes everything that was observed.
    mutating func release(now: Duration) -> Reaction {
        var reaction = Reaction()
        for (id, endpoints) in held {
            for endpoint in endpoints.keys { believe(id, endpoint, &reaction, now: now) }
        }
        loss.reset()
        endHoldIfEmpty(now: now)
        return reaction
    }

    /// An address that now belongs to another service is none of those that lost it: pod addresses are used again.
    ///
    /// One process serves many services at one address, though: those that it lost may just be the next to come back.
    /// - Parameter application: Whose it is now; empty where that isn't known.
    mutating func release(_ endpoint: Endpoint, registeredBy newcomer: ServiceID, of application: String, now: Duration)
        -> Reaction
    {
        var reaction = Reaction()
        for id in addresses[endpoint] where id != newcomer {
            for (other, entry) in held[id] ?? [:] where other.host == endpoint.host && other.port == endpoint.port {
                if !application.isEmpty, entry.instance.application == application { continue }
                believe(id, other, &reaction, now: now)
            }
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    /// Another replica, which led, let go of what its object of the service shows no more.
    /// - Parameter shown: The protocols of which there is an object, and the endpoints in it.
    mutating func adopt(_ id: ServiceID, shown: [PortProtocol: Set<Endpoint>], now: Duration) -> Reaction {
        var reaction = Reaction()
        for endpoint in (held[id] ?? [:]).keys where !endpoint.host.isName {
            guard let endpoints = shown[endpoint.protocol], !endpoints.contains(endpoint) else { continue }
            believe(id, endpoint, &reaction, now: now)
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    func isHeld(_ endpoint: Endpoint) -> Bool { !addresses[endpoint].isEmpty }

    /// A new instance takes the place of the one that has been missing longest. That is no more than likely, hence nothing that
    /// another registry says is overruled by it.
    private mutating func releaseOldest(of id: ServiceID, _ reaction: inout Reaction, now: Duration) {
        guard let oldest = held[id]?.min(by: { $0.value.number < $1.value.number })?.key else { return }
        drop(id, oldest)
        departures.add(id, oldest, now: now)
        reaction.changed.insert(id)
    }

    private mutating func confirmAll(_ picture: Picture, _ reaction: inout Reaction, now: Duration) {
        let readCount = readCount
        // What can't be read confirms nothing.
        for id in held.keys where picture.unreadable[id.name] == nil {
            if hold == nil {
                letGo(id, &reaction, now: now) { $0 <= readCount }
            } else {
                // It has become part of something larger.
                for endpoint in held[id]?.keys.map({ $0 }) ?? [] { held[id]?[endpoint]?.confirmingRead = nil }
            }
        }
    }

    /// A full read agrees with what is held, except where it could not read a name.
    private mutating func agree(_ picture: Picture, _ reaction: inout Reaction, now: Duration) {
        hold?.agree(now: now)
        guard let hold else { return }
        let count = heldCount
        for (id, entries) in held {
            for (endpoint, entry) in entries {
                if picture.unreadable[id.name] != nil {
                    held[id]?[endpoint]?.since = hold.time(at: now)
                } else if hold.remaining(policy, held: count, since: entry.since) == .zero {
                    believe(id, endpoint, &reaction, now: now)
                }
            }
        }
        // All of it is believed.
        if heldCount == 0 { loss.reset() }
        endHoldIfEmpty(now: now)
    }

    /// How long it takes at least until nothing is held any more; `nil` where that takes an operator or a recovery.
    var remaining: Duration? {
        let latest = held.values.lazy.flatMap(\.values).map(\.since).max() ?? .zero
        return hold?.remaining(policy, held: heldCount, since: latest)
    }

    private mutating func letGo(
        _ id: ServiceID, _ reaction: inout Reaction, now: Duration, where isConfirmed: (Int) -> Bool
    ) {
        for (endpoint, entry) in held[id] ?? [:] {
            guard let read = entry.confirmingRead, isConfirmed(read) else { continue }
            believe(id, endpoint, &reaction, now: now)
        }
    }

    /// What was held is gone.
    private mutating func believe(_ id: ServiceID, _ endpoint: Endpoint, _ reaction: inout Reaction, now: Duration) {
        drop(id, endpoint)
        departures.add(id, endpoint, now: now)
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

    /// - Returns: What was held, if anything.
    @discardableResult
    private mutating func drop(_ id: ServiceID, _ endpoint: Endpoint) -> Held? {
        guard let entry = held[id]?.removeValue(forKey: endpoint) else { return nil }
        heldCount -= 1
        if held[id]?.isEmpty == true { held[id] = nil }
        if held[id]?.contains(where: { $0.key.host == endpoint.host && $0.key.port == endpoint.port }) != true {
            addresses.remove(endpoint, id)
        }
        return entry
    }

    private mutating func begin(_ new: Hold) {
        hold = new
        departures.holdBegins(now: new.since)
    }

    /// What was let go before the hold still counts.
    private mutating func endHoldIfEmpty(now: Duration) {
        guard heldCount == 0, hold != nil else { return }
        hold = nil
        departures.holdEnds(now: now)
    }
}
