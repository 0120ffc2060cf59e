internal import Services

extension RegistryGuard {
    /// A time has come for which `alarm` asked.
    mutating func wake(_ view: View, now: Duration) -> Reaction {
        var reaction = Reaction()
        guard let time = alarm, time <= now else { return reaction }
        alarm = nil
        judge(view, &reaction, now: now)
        for id in held.services { confirm(id, &reaction, now: now) { _ in false } }
        return reaction
    }

    func isSuspicious(_ view: View) -> Bool {
        let loss = ledger.loss(present: view.healthyCount)
        return policy.isSuspicious(loss, of: view.healthyCount + loss.instances)
    }

    /// Judges the removals that wait, by the arrivals that stand.
    mutating func judge(_ view: View, _ reaction: inout Reaction, now: Duration) {
        if held.isEmpty { return }
        if hold != nil { return replaceHeld(&reaction, now: now) }
        ledger.prune(now: now)
        ledger.pay()
        if isSuspicious(view) { return begin(.netLoss, view, &reaction, now: now) }
        for id in held.services {
            for (endpoint, entry) in held[id] ?? [:] {
                guard case .settling(let confirmation) = entry.reason else { continue }
                if let confirmation {
                    held.set(.unconfirmed(confirmation), of: id, endpoint)
                } else {
                    release(id, endpoint, &reaction, now: now)
                }
            }
        }
    }

    /// A new instance takes the place of the one that has been missing longest.
    private mutating func replaceHeld(_ reaction: inout Reaction, now: Duration) {
        for id in ledger.servicesWithArrivals {
            for arrival in ledger.freeArrivals(id) {
                guard let oldest = held.oldest(of: id)?.instance else { break }
                held.drop(id, oldest.endpoint)
                recentRemovals.add(id, oldest.endpoint, now: now)
                ledger.pay(id, for: oldest, by: arrival, now: now)
                reaction.changed.insert(id)
            }
        }
        ledger.pay()
        endHoldIfEmpty(now: now)
    }

    /// Begins a hold. The removals that wait are held, and those of the window are taken back.
    mutating func begin(_ cause: Hold.Cause, _ view: View, _ reaction: inout Reaction, now: Duration) {
        let reason = HeldInstance.Reason.hold(since: .zero, isOfFirstLoss: true)
        for id in held.services {
            for endpoint in held.endpoints(of: id) { held.set(reason, of: id, endpoint) }
        }
        for (id, instance) in ledger.takeLoss(present: view.healthyCount) where held[id]?[instance.endpoint] == nil {
            held.put(id, instance, reason)
            reaction.changed.insert(id)
        }
        hold = Hold(cause: cause, since: now, lost: held.count, of: view.healthyCount + held.count)
        period = nil
        alarm = nil
        recentRemovals.holdBegins(now: now)
    }

    /// A removal that nothing speaks against any more.
    mutating func accept(_ id: ServiceID, _ endpoint: Endpoint, _ reaction: inout Reaction, now: Duration) {
        recentRemovals.add(id, endpoint, now: now)
        reaction.changed.insert(id)
    }

    /// A read finds that the instances of a service are still missing.
    /// - Parameter confirms: Whether a read confirms a removal that waits for the full read of a number.
    mutating func confirm(
        _ id: ServiceID, _ reaction: inout Reaction, now: Duration, _ confirms: (Int) -> Bool
    ) {
        for (endpoint, entry) in held[id] ?? [:] {
            switch entry.reason {
            case .hold, .settling(nil): continue
            case .settling(var confirmation?):
                if let read = confirmation.read, confirms(read) {
                    confirmation.read = nil
                    held.set(.settling(confirmation), of: id, endpoint)
                }
            case .unconfirmed(var confirmation):
                if let read = confirmation.read {
                    guard confirms(read) else { continue }
                    confirmation.read = nil
                }
                if confirmation.notBefore <= now {
                    release(id, endpoint, &reaction, now: now)
                } else {
                    held.set(.unconfirmed(confirmation), of: id, endpoint)
                    alarm = min(alarm ?? confirmation.notBefore, confirmation.notBefore)
                }
            }
        }
    }
}
