import Catalog
import Services
import Sources

/// Looks on and knows what may not happen, by what the design promises and none of the code that keeps the promise.
struct ModelOracle {
    /// An endpoint of a service.
    struct Claim: Hashable, CustomStringConvertible {
        var id: ServiceID
        var endpoint: Endpoint

        var description: String { "\(id) \(endpoint.host):\(endpoint.port)" }
    }

    /// What was known of a service when the bridge started.
    struct Memory {
        var registries: Set<String> = []
        var claims: Set<Claim> = []
        /// Who announced a claim, where that was not all of them.
        var announcers: [Claim: Set<String>] = [:]
        /// The claims of which it is settled what became.
        var settled: Set<Claim> = []
        /// The views that had their say.
        var readers: Set<Int> = []

        func mayHave(_ registry: String) -> Bool { registries.isEmpty || registries.contains(registry) }

        func mayHave(_ registry: String, _ claim: Claim) -> Bool {
            announcers[claim]?.contains(registry) ?? mayHave(registry)
        }
    }

    typealias Picture = [ServiceID: [InstanceKey: Endpoint]]

    var views: [View]
    /// The services of which it is not settled what became since the start.
    var memories: [ServiceID: Memory] = [:]
    /// When a claim of a service was last made or kept.
    var lastServed: [ServiceID: Duration] = [:]

    init(registries: [String]) {
        views = registries.map { View(name: $0) }
    }

    var isFollowed: Bool { views.allSatisfy(\.isFollowed) }

    func index(_ registry: String) -> Int { views.firstIndex { $0.name == registry } ?? 0 }
}

// MARK: - What is said

extension ModelOracle {
    mutating func hears(_ event: SourceEvent, from registry: String, now: Duration) {
        let index = index(registry)
        let gained = views[index].hears(event, now: now)
        let settled = settle(by: index, now: now)
        for claim in gained { announced(claim, by: index, now: now) }
        for claim in settled {
            for index in views.indices where views[index].announces(claim) { announced(claim, by: index, now: now) }
        }
    }

    /// What is announced for one service is kept for no other.
    private mutating func announced(_ claim: Claim, by index: Int, now: Duration) {
        for index in views.indices {
            views[index].release(now: now) { other in
                other.id != claim.id && other.endpoint.host == claim.endpoint.host
                    && other.endpoint.port == claim.endpoint.port
            }
        }
    }

    /// What became of claims that were known before the start, once all were read that announced them.
    private mutating func settle(by reader: Int, now: Duration) -> Set<Claim> {
        guess(at: reader)
        var lost: Set<Claim> = []
        var gained: Set<Claim> = []
        for (id, var memory) in memories {
            let mayHave = views.indices.filter { memory.mayHave(views[$0].name) }
            guard mayHave.contains(reader), hasRead(id, reader), memory.readers.insert(reader).inserted else {
                continue
            }
            let known = memory.claims.union(memory.settled)
            gained.formUnion(views[reader].claims(of: id).subtracting(known))
            for claim in memory.claims where !isPending(claim, memory) {
                memory.claims.remove(claim)
                memory.settled.insert(claim)
                if !views.contains(where: { $0.announces(claim) }) { lost.insert(claim) }
            }
            memories[id] = mayHave.allSatisfy { hasRead(id, $0) } ? nil : memory
        }
        views[reader].starts(lost: lost, gained: gained, now: now)
        return gained
    }

    /// What was known before the start stands for a list that can't be read.
    private mutating func guess(at index: Int) {
        for (id, memory) in memories where views[index].isComplete && views[index].unknown.contains(id.name) {
            for claim in memory.claims where memory.mayHave(views[index].name, claim) {
                views[index].guess(claim, isUnread: true)
            }
        }
        views[index].knowGuesses()
    }

    private func hasRead(_ id: ServiceID, _ index: Int) -> Bool {
        views[index].isComplete && !views[index].unknown.contains(id.name)
    }

    private func isPending(_ claim: Claim, _ memory: Memory) -> Bool {
        views.indices.contains { memory.mayHave(views[$0].name, claim) && !hasRead(claim.id, $0) }
    }

    /// The settle time is over for all that happened.
    mutating func settles(now: Duration) {
        for index in views.indices { views[index].settles(now: now) }
    }

    /// An operator releases what is held.
    /// - Parameter wasHeld: What the bridge says of it.
    mutating func released(_ registry: String, wasHeld: Bool) -> [String] {
        let index = index(registry)
        let isHeld = views[index].hold?.mayBeOver == false && !views[index].isUnclear
        let count = isHeld ? views[index].hold?.claims.count ?? 0 : 0
        views[index].released(wasHeld: wasHeld)
        return wasHeld || count == 0 ? [] : ["\(registry): \(count) losses should be held, none is"]
    }

    /// The bridge starts anew with what it can remember.
    mutating func restarted(_ memories: [ServiceID: Memory], now: Duration) {
        views = views.map { View(name: $0.name) }
        self.memories = memories
    }

    /// Another replica led, whose work shows what it has let go, and what is all that is known of registries that were
    /// never read.
    /// - Parameter shown: What the objects say of each service.
    mutating func adopts(_ delivered: Set<Claim>, shown: [ServiceID: Memory], now: Duration) {
        for (id, shown) in shown {
            let areRead = views.allSatisfy { $0.isComplete || !shown.mayHave($0.name) }
            if memories[id] == nil, areRead { continue }
            memories[id, default: Memory()].registries.formUnion(shown.registries)
            memories[id]?.announcers = shown.announcers
            let pending = delivered.filter { $0.id == id && isPending($0, shown) }
            memories[id]?.claims = pending
        }
        for index in views.indices {
            views[index].hold?.isGuessed = true
            views[index].release(now: now) { !delivered.contains($0) }
            views[index].adopts(delivered)
            if views[index].isFollowed || !views[index].isComplete { continue }
            for claim in delivered where shown[claim.id]?.mayHave(views[index].name, claim) == true {
                views[index].guess(claim, isUnread: false)
            }
        }
    }

    /// The bridge does not know for how long services have been empty.
    /// - Parameter now: When it takes them to have been served last; `nil` for nobody knows when.
    mutating func forgets(since now: Duration?) {
        lastServed = now.map { now in lastServed.mapValues { _ in now } } ?? [:]
    }

    /// Notes which services have endpoints.
    mutating func looks(now: Duration) {
        for view in views {
            for id in view.served { lastServed[id] = now }
        }
    }
}

// MARK: - What is delivered

extension ModelOracle {
    /// What is wrong with endpoints that are no longer delivered, and with those that aren't.
    /// - Parameter exempt: A service whose object can't be written.
    mutating func violations(gone: Set<Claim>, delivered: Set<Claim>, exempt: String, now: Duration) -> [String] {
        var found: [String] = []
        for claim in gone where claim.id.name != exempt {
            if let reason = mustStay(claim, now: now) { found.append("\(claim) is gone, but \(reason)") }
        }
        for index in views.indices {
            for claim in views[index].claims where !delivered.contains(claim) {
                if claim.id.name == exempt { continue }
                if let memory = memories[claim.id], memory.readers.isEmpty { continue }
                found.append("\(claim) is not there, but \(views[index].name) announces it")
            }
        }
        return found
    }

    private mutating func mustStay(_ claim: Claim, now: Duration) -> String? {
        if let memory = memories[claim.id], memory.claims.contains(claim) {
            return "not all have been read that announced it before the start"
        }
        for index in views.indices {
            if views[index].announces(claim) {
                return "\(views[index].name) announced it last"
            }
            if let reason = views[index].takesAway(claim, now: now) { return "\(views[index].name): \(reason)" }
        }
        return nil
    }

    /// Whether an entry without endpoints may go.
    func mayExpire(_ id: ServiceID, retention: Duration, now: Duration) -> Bool {
        memories[id] == nil && lastServed[id].map { now - $0 >= retention } ?? true
    }
}
