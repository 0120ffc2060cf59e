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
    private var number = 0
    /// How many full reads have begun.
    private var readCount = 0

    init(policy: GuardPolicy) {
        self.policy = policy
        loss = NetLoss(window: policy.window)
    }

    /// Whether somebody should read the registry again, since the hold waits for reads that agree.
    var isHolding: Bool { hold?.cause.isOfRegistry ?? false }
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
        take(change.gained, picture, &reaction, now: now)
        if let name, hold == nil {
            // Few services wait at any time. What this read itself finds missing is not among them yet.
            for id in held.keys where id.name == name { letGo(id, &reaction) { _ in true } }
        }
        take(change.lost, picture, &reaction, now: now)
        return reaction
    }

    /// A full read is complete.
    mutating func observeRead(_ change: PictureChange, _ picture: Picture, now: Duration) -> Reaction {
        var reaction = Reaction(changed: change.services)
        take(change.gained, picture, &reaction, now: now)
        // Delete events would be affirmative; an answer alone, that nothing is there, is not.
        if picture.count == 0, hold == nil, !change.lost.isEmpty {
            let gone = heldCount + change.lostCount
            hold = Hold(cause: .emptyAnswer, since: now, lost: gone, of: gone)
        }
        take(change.lost, picture, &reaction, now: now)
        confirmAll(&reaction)
        if hold?.agree(policy, held: heldCount, now: now) == true { releaseAll(&reaction) }
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
        if let cause, hold == nil { hold = Hold(cause: cause, since: now, lost: count, of: picture.count + count) }
        // What is new at the start is no reason to believe later losses.
        loss.add(-min(change.gained.values.reduce(0) { $0 + $1.count }, count), at: now)
        take(change.lost, picture, &reaction, now: now)
        return reaction
    }

    mutating func interrupted() {
        hold?.interrupted()
    }

    private mutating func take(
        _ gained: [ServiceID: [Endpoint]], _ picture: Picture, _ reaction: inout Reaction, now: Duration
    ) {
        if picture.count > 0, hold?.cause == .emptyAnswer { hold?.cause = .netLoss }
        for (id, endpoints) in gained {
            loss.add(-endpoints.count, at: now)
            for endpoint in endpoints {
                if drop(id, endpoint) {
                    reaction.changed.insert(id)
                    hold?.recovers()
                } else {
                    reaction.newcomers[id, default: []].append(endpoint)
                    releaseOldest(of: id, &reaction)
                }
            }
            // It is not without instances any more.
            if hold == nil { letGo(id, &reaction) { _ in true } }
        }
        endHoldIfEmpty()
    }

    private mutating func take(
        _ lost: [ServiceID: [Instance]], _ picture: Picture, _ reaction: inout Reaction, now: Duration
    ) {
        if lost.isEmpty { return }
        loss.add(lost.values.reduce(0) { $0 + $1.count }, at: now)
        let net = loss.total(at: now)
        if hold == nil, policy.isSuspicious(loss: net, of: picture.count + net) {
            hold = Hold(cause: .netLoss, since: now, lost: net, of: picture.count + net)
        }
        for (id, instances) in lost {
            let isLast = picture.services[id] == nil
            for instance in instances {
                if hold != nil {
                    keep(id, instance, until: nil)
                } else if isLast {
                    keep(id, instance, until: readCount + 1)
                    reaction.reads.insert(id.name)
                } else {
                    reaction.release(id, instance.endpoint)
                }
            }
        }
    }
}

// MARK: - Letting go

extension RegistryGuard {
    /// Believes everything that was observed.
    mutating func release() -> Reaction {
        var reaction = Reaction()
        releaseAll(&reaction)
        return reaction
    }

    /// An address that now belongs to another service is none of those that lost it: pod addresses are used again.
    mutating func release(_ endpoint: Endpoint, registeredBy newcomer: ServiceID) -> Reaction {
        var reaction = Reaction()
        for id in addresses[endpoint] where id != newcomer {
            for other in held[id]?.keys.filter({ $0.host == endpoint.host && $0.port == endpoint.port }) ?? [] {
                drop(id, other)
                reaction.release(id, other)
            }
        }
        endHoldIfEmpty()
        return reaction
    }

    private mutating func releaseAll(_ reaction: inout Reaction) {
        for (id, endpoints) in held {
            for endpoint in endpoints.keys { reaction.release(id, endpoint) }
        }
        held = [:]
        heldCount = 0
        addresses = HeldAddresses()
        hold = nil
        loss.reset()
    }

    /// A new instance takes the place of the one that has been missing longest.
    private mutating func releaseOldest(of id: ServiceID, _ reaction: inout Reaction) {
        guard let oldest = held[id]?.min(by: { $0.value.number < $1.value.number })?.key else { return }
        drop(id, oldest)
        reaction.release(id, oldest)
    }

    private mutating func confirmAll(_ reaction: inout Reaction) {
        let readCount = readCount
        for id in held.keys {
            if hold == nil {
                letGo(id, &reaction) { $0 <= readCount }
            } else {
                // It has become part of something larger.
                for endpoint in held[id]?.keys.map({ $0 }) ?? [] { held[id]?[endpoint]?.confirmingRead = nil }
            }
        }
    }

    private mutating func letGo(_ id: ServiceID, _ reaction: inout Reaction, where isConfirmed: (Int) -> Bool) {
        for (endpoint, entry) in held[id] ?? [:] {
            guard let read = entry.confirmingRead, isConfirmed(read) else { continue }
            drop(id, endpoint)
            reaction.release(id, endpoint)
        }
    }

    private mutating func keep(_ id: ServiceID, _ instance: Instance, until read: Int?) {
        number += 1
        let entry = Held(instance: instance, number: number, confirmingRead: read)
        if held[id, default: [:]].updateValue(entry, forKey: instance.endpoint) == nil {
            heldCount += 1
            addresses.add(instance.endpoint, id)
        }
    }

    /// - Returns: Whether it was held.
    @discardableResult
    private mutating func drop(_ id: ServiceID, _ endpoint: Endpoint) -> Bool {
        guard held[id]?.removeValue(forKey: endpoint) != nil else { return false }
        heldCount -= 1
        if held[id]?.isEmpty == true { held[id] = nil }
        if held[id]?.contains(where: { $0.key.host == endpoint.host && $0.key.port == endpoint.port }) != true {
            addresses.remove(endpoint, id)
        }
        return true
    }

    private mutating func endHoldIfEmpty() {
        if heldCount == 0 { hold = nil }
    }
}
