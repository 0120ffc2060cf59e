internal import Services

extension RegistryGuard {
    /// Accepts everything that was observed of services.
    mutating func release(now: Duration, where isMeant: (ServiceID) -> Bool = { _ in true }) -> Reaction {
        var reaction = Reaction()
        if held.isEmpty { return reaction }
        for id in held.services where isMeant(id) {
            for endpoint in held.endpoints(of: id) { release(id, endpoint, &reaction, now: now) }
        }
        if held.isEmpty { ledger.reset() }
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
        for id in held.services(at: endpoint) where id != registrant {
            guard let entry = held[id]?[endpoint] else { continue }
            if !application.isEmpty, entry.instance.application == application { continue }
            release(id, endpoint, &reaction, now: now)
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    /// Holds an endpoint no longer that is accepted for another reason.
    mutating func letGo(_ endpoint: Endpoint, of id: ServiceID, now: Duration) {
        held.drop(id, endpoint)
        endHoldIfEmpty(now: now)
    }

    /// Releases the endpoints that the former leader's object of the service no longer shows.
    mutating func adopt(_ id: ServiceID, shown: Set<Endpoint>, now: Duration) -> Reaction {
        var reaction = Reaction()
        for endpoint in held.endpoints(of: id) where !shown.contains(endpoint) {
            release(id, endpoint, &reaction, now: now)
        }
        endHoldIfEmpty(now: now)
        return reaction
    }

    func isHeld(_ endpoint: Endpoint) -> Bool { !held.services(at: endpoint).isEmpty }

    /// A full read agrees with the hold, except about names that are unreadable.
    mutating func agree(_ view: View, _ reaction: inout Reaction, now: Duration) {
        hold?.agree(now: now)
        guard let hold else { return }
        let loss = held.loss
        for id in held.services {
            for (endpoint, entry) in held[id] ?? [:] {
                guard case .hold(let since, let isOfFirstLoss) = entry.reason else { continue }
                if view.unreadable[id.name] != nil {
                    held.set(.hold(since: hold.time(at: now), isOfFirstLoss: isOfFirstLoss), of: id, endpoint)
                } else if hold.remaining(policy, held: loss, since: since) == .zero {
                    release(id, endpoint, &reaction, now: now)
                }
            }
        }
        // The whole loss is accepted.
        if held.isEmpty { ledger.reset() }
        endHoldIfEmpty(now: now)
    }

    /// Accepts the removal of a held endpoint.
    mutating func release(_ id: ServiceID, _ endpoint: Endpoint, _ reaction: inout Reaction, now: Duration) {
        held.drop(id, endpoint)
        accept(id, endpoint, &reaction, now: now)
    }

    mutating func endHoldIfEmpty(now: Duration) {
        guard held.isEmpty, hold != nil else { return }
        hold = nil
        alarm = nil
        // Additions of a recovery pay for no later removal.
        ledger.retireArrivals()
        recentRemovals.holdEnds(now: now)
    }
}
