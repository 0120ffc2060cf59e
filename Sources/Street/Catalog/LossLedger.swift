internal import DequeModule
internal import Services

/// The accepted and the waiting removals of one registry within a window, its arrivals, and which arrival pays for
/// which removal.
///
/// An arrival pays for one removal of the same service, once it has stood to the end of a settle time. When it goes
/// itself, the removal counts again. Its size is bounded by the changes of a window.
struct LossLedger: Sendable {
    struct Removal: Sendable {
        var instance: Instance
        var time: Duration
        /// Whether the instance had arrived within the window.
        var wasNew: Bool
        /// The arrival that pays for it.
        var payer: Endpoint?
    }

    private struct Payment {
        /// When the arrival came.
        var time: Duration
        var removal: Endpoint
    }

    /// The part of one service. An endpoint is in one of the tables at most.
    private struct Account {
        var unpaid: [Endpoint: Removal] = [:]
        var paid: [Endpoint: Removal] = [:]
        /// The arrivals that have paid for nothing yet, and when they came.
        var free: [Endpoint: Duration] = [:]
        /// The arrivals that have paid.
        var spent: [Endpoint: Payment] = [:]
        /// The arrivals that pay for nothing, since they only returned, and when they came.
        var returned: [Endpoint: Duration] = [:]
        /// Of `free` and `spent`, those that came and went within the window before they came again.
        var again: Set<Endpoint> = []

        var isEmpty: Bool {
            unpaid.isEmpty && paid.isEmpty && free.isEmpty && spent.isEmpty && returned.isEmpty
        }
    }

    private struct Entry {
        var time: Duration
        var id: ServiceID
        var endpoint: Endpoint
    }

    private let window: Duration
    private var accounts: [ServiceID: Account] = [:]
    /// In the order of time. An entry whose endpoint has another time by now says nothing.
    private var entries: Deque<Entry> = []
    /// The services in which an arrival may pay for a removal that it has not paid for yet.
    private var payable: Set<ServiceID> = []
    private var unpaid = LossTally()
    private var paid = LossTally()
    /// How many new instances stand, and how many have gone again.
    private var newcomers = (standing: 0, gone: 0)
    private var level = LevelTrack()

    init(window: Duration) {
        self.window = window
    }

    /// The number of removals and arrivals that are remembered.
    var count: Int {
        accounts.values.reduce(0) { sum, account in
            sum + account.unpaid.count + account.paid.count + account.free.count + account.spent.count
                + account.returned.count
        }
    }
}

// MARK: - The loss

extension LossLedger {
    /// The removals that count.
    /// - Parameter present: The number of instances that the registry shows now.
    func loss(present: Int) -> Loss {
        var loss = unpaid.loss
        if newcomers.gone == 0 { return loss }
        if newcomersGoWithTheRest(present: present) {
            loss.instances += paid.loss.instances
            loss.addresses += paid.loss.addresses
        }
        // Where instances come and go all the time, the registry only churns: it is hardly below its peak.
        return Loss(
            instances: min(loss.instances, level.belowPeak), addresses: min(loss.addresses, level.belowPeak))
    }

    /// Whether new instances go at least a third as fast as the others. In a deployment they stay. Where they go with
    /// the rest, the registry fails, and they pay for nothing.
    private func newcomersGoWithTheRest(present: Int) -> Bool {
        if newcomers.gone == 0 { return false }
        let gone = unpaid.loss.instances + paid.loss.instances - newcomers.gone
        let others = present - newcomers.standing + gone
        return newcomers.gone * others * 3 >= gone * (newcomers.standing + newcomers.gone)
    }

    /// Has the arrivals that stand pay for the oldest removals of their services.
    mutating func pay() {
        for id in payable {
            guard let account = accounts[id], !account.free.isEmpty, !account.unpaid.isEmpty else { continue }
            let count = min(account.free.count, account.unpaid.count)
            let arrivals = Self.oldest(account.free).prefix(count)
            let removals = Self.oldest(account.unpaid.mapValues(\.time)).prefix(count)
            for (arrival, removal) in zip(arrivals, removals) {
                guard let time = accounts[id]?.free.removeValue(forKey: arrival),
                    var record = accounts[id]?.unpaid.removeValue(forKey: removal)
                else { continue }
                record.payer = arrival
                accounts[id]?.spent[arrival] = Payment(time: time, removal: removal)
                accounts[id]?.paid[removal] = record
                unpaid.remove(removal)
                paid.add(removal)
            }
        }
        payable = []
    }

    private static func oldest(_ times: [Endpoint: Duration]) -> [Endpoint] {
        times.keys.sorted { left, right in
            let (first, second) = (times[left] ?? .zero, times[right] ?? .zero)
            return first != second ? first < second : left < right
        }
    }

    /// Forgets the removals that count, since they are held from now on. The arrivals so far pay for nothing more.
    /// - Parameter present: The number of instances that the registry shows now.
    mutating func takeLoss(present: Int) -> [(id: ServiceID, instance: Instance)] {
        let takesPaid = newcomersGoWithTheRest(present: present)
        var taken: [(id: ServiceID, instance: Instance)] = []
        for id in accounts.keys.sorted() {
            guard var account = accounts[id] else { continue }
            let removals =
                account.unpaid.values.map(\.instance) + (takesPaid ? account.paid.values.map(\.instance) : [])
            for instance in removals {
                taken.append((id, instance))
                forget(instance.endpoint, &account)
            }
            if takesPaid {
                for (arrival, payment) in account.spent { account.free[arrival] = payment.time }
                account.spent = [:]
            }
            keep(account, of: id)
        }
        retireArrivals()
        return taken
    }

    /// The arrivals so far pay for nothing more.
    mutating func retireArrivals() {
        for (id, account) in accounts where !account.free.isEmpty {
            accounts[id]?.returned.merge(account.free) { first, _ in first }
            accounts[id]?.free = [:]
            newcomers.standing -= account.free.count
        }
        payable = []
    }

    mutating func reset() {
        self = LossLedger(window: window)
    }
}

// MARK: - Changes

extension LossLedger {
    func hasRemoval(_ id: ServiceID, _ endpoint: Endpoint) -> Bool {
        guard let account = accounts[id] else { return false }
        return account.unpaid[endpoint] != nil || account.paid[endpoint] != nil
    }

    /// Whether the endpoint has returned within the window.
    func hasReturned(_ id: ServiceID, _ endpoint: Endpoint) -> Bool {
        accounts[id].map { $0.returned[endpoint] != nil || $0.again.contains(endpoint) } ?? false
    }

    /// - Parameter returns: Whether the instance was there before, so that it pays for nothing. One that has only come
    ///   and gone within the window was not.
    mutating func arrive(_ id: ServiceID, _ endpoint: Endpoint, returns: Bool, now: Duration) {
        prune(now: now)
        var account = accounts[id] ?? Account()
        let removal = account.unpaid[endpoint] ?? account.paid[endpoint]
        let wasNew = removal?.wasNew == true
        forget(endpoint, &account)
        if returns, !wasNew {
            account.returned[endpoint] = now
        } else {
            account.free[endpoint] = now
            newcomers.standing += 1
            if returns { account.again.insert(endpoint) }
        }
        // An instance that returns after the window replaces nothing that went within it.
        if !returns || removal != nil { level.change(by: 1, now: now, window: window) }
        entries.append(Entry(time: now, id: id, endpoint: endpoint))
        accounts[id] = account
        payable.insert(id)
    }

    mutating func leave(_ id: ServiceID, _ instance: Instance, now: Duration) {
        prune(now: now)
        var account = accounts[id] ?? Account()
        let wasNew = account.free[instance.endpoint] != nil || account.spent[instance.endpoint] != nil
        forget(instance.endpoint, &account)
        account.unpaid[instance.endpoint] = Removal(instance: instance, time: now, wasNew: wasNew)
        unpaid.add(instance.endpoint)
        if wasNew { newcomers.gone += 1 }
        level.change(by: -1, now: now, window: window)
        entries.append(Entry(time: now, id: id, endpoint: instance.endpoint))
        accounts[id] = account
        payable.insert(id)
    }

    /// An instance comes back that was held.
    mutating func returnsFromHold(now: Duration) {
        level.restore(now: now, window: window)
    }

    /// An instance goes whose removal is held.
    /// - Returns: The instance for whose removal it had paid. That removal counts again, and is forgotten here.
    mutating func leaveHeld(_ id: ServiceID, _ endpoint: Endpoint) -> Instance? {
        guard var account = accounts[id] else { return nil }
        defer { keep(account, of: id) }
        let payee = account.spent[endpoint]?.removal
        forget(endpoint, &account)
        guard let payee, let removal = account.unpaid[payee] else { return nil }
        forget(payee, &account)
        return removal.instance
    }

    /// The arrivals that have paid for nothing yet, the oldest first.
    func freeArrivals(_ id: ServiceID) -> [Endpoint] {
        Self.oldest(accounts[id]?.free ?? [:])
    }

    /// The services that have had arrivals since the last payment, sorted.
    var servicesWithArrivals: [ServiceID] { payable.filter { accounts[$0]?.free.isEmpty == false }.sorted() }

    /// An arrival pays for a removal that was held until now.
    mutating func pay(_ id: ServiceID, for instance: Instance, by arrival: Endpoint, now: Duration) {
        guard let time = accounts[id]?.free.removeValue(forKey: arrival) else { return }
        accounts[id]?.spent[arrival] = Payment(time: time, removal: instance.endpoint)
        accounts[id]?.paid[instance.endpoint] = Removal(
            instance: instance, time: now, wasNew: false, payer: arrival)
        paid.add(instance.endpoint)
        entries.append(Entry(time: now, id: id, endpoint: instance.endpoint))
    }

    /// Takes the endpoint out of the table that it is in.
    private mutating func forget(_ endpoint: Endpoint, _ account: inout Account) {
        account.returned[endpoint] = nil
        account.again.remove(endpoint)
        if account.free.removeValue(forKey: endpoint) != nil { newcomers.standing -= 1 }
        if let payment = account.spent.removeValue(forKey: endpoint) {
            newcomers.standing -= 1
            if var removal = account.paid[payment.removal], removal.payer == endpoint {
                removal.payer = nil
                account.paid[payment.removal] = nil
                account.unpaid[payment.removal] = removal
                paid.remove(payment.removal)
                unpaid.add(payment.removal)
            }
        }
        if let removal = account.unpaid.removeValue(forKey: endpoint) {
            unpaid.remove(endpoint)
            if removal.wasNew { newcomers.gone -= 1 }
        }
        if let removal = account.paid.removeValue(forKey: endpoint) {
            paid.remove(endpoint)
            if removal.wasNew { newcomers.gone -= 1 }
            // Its payer may pay for another.
            if let payer = removal.payer, let payment = account.spent.removeValue(forKey: payer) {
                account.free[payer] = payment.time
            }
        }
    }

    private mutating func keep(_ account: Account, of id: ServiceID) {
        accounts[id] = account.isEmpty ? nil : account
    }
}

// MARK: - The window

extension LossLedger {
    /// Forgets what happened before the window. A removal that an arrival paid for goes with neither of the two.
    mutating func prune(now: Duration) {
        while let entry = entries.first, now - entry.time >= window {
            entries.removeFirst()
            guard var account = accounts[entry.id] else { continue }
            let endpoint = entry.endpoint
            if account.unpaid[endpoint]?.time == entry.time || account.paid[endpoint]?.time == entry.time {
                expireRemoval(of: endpoint, &account)
            }
            if account.returned[endpoint] == entry.time {
                account.returned[endpoint] = nil
                account.again.remove(endpoint)
            }
            if account.free[endpoint] == entry.time {
                account.free[endpoint] = nil
                account.again.remove(endpoint)
                newcomers.standing -= 1
            }
            if account.spent[endpoint]?.time == entry.time {
                account.spent[endpoint] = nil
                account.again.remove(endpoint)
                newcomers.standing -= 1
            }
            keep(account, of: entry.id)
        }
    }

    private mutating func expireRemoval(of endpoint: Endpoint, _ account: inout Account) {
        if let removal = account.unpaid.removeValue(forKey: endpoint) {
            unpaid.remove(endpoint)
            if removal.wasNew { newcomers.gone -= 1 }
        } else if let removal = account.paid.removeValue(forKey: endpoint) {
            paid.remove(endpoint)
            if removal.wasNew { newcomers.gone -= 1 }
        }
    }
}
