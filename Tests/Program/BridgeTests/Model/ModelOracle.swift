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
        let settled = settle(now: now)
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

    /// What became of services that were known before the start, once all were read that announced them.
    private mutating func settle(now: Duration) -> Set<Claim> {
        let settled = memories.filter { isReadable($0.key, $0.value) }
        var losses: [Int: (lost: Set<Claim>, gained: Set<Claim>)] = [:]
        for (id, memory) in settled {
            memories[id] = nil
            let said = Set(views.flatMap { $0.claims(of: id) })
            let owner = views.firstIndex { memory.registries.contains($0.name) } ?? 0
            losses[owner, default: ([], [])].lost.formUnion(memory.claims.subtracting(said))
            losses[owner, default: ([], [])].gained.formUnion(said.subtracting(memory.claims))
        }
        for (owner, change) in losses { views[owner].starts(lost: change.lost, gained: change.gained, now: now) }
        return losses.values.reduce(into: []) { $0.formUnion($1.gained) }
    }

    private func isReadable(_ id: ServiceID, _ memory: Memory) -> Bool {
        views.allSatisfy { view in
            guard memory.registries.isEmpty || memory.registries.contains(view.name) else { return true }
            return view.isComplete && !view.unknown.contains(id.name)
        }
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
    /// - Parameter announcers: The registries that announced each service, as its objects say.
    mutating func adopts(_ delivered: Set<Claim>, announcers: [ServiceID: Set<String>], now: Duration) {
        for (id, names) in announcers {
            let areRead = views.allSatisfy { $0.isComplete || !names.isEmpty && !names.contains($0.name) }
            if memories[id] == nil, areRead { continue }
            memories[id, default: Memory()].registries.formUnion(names)
            memories[id]?.claims = delivered.filter { $0.id == id }
        }
        for index in views.indices {
            views[index].hold?.isGuessed = true
            views[index].release(now: now) { !delivered.contains($0) }
            views[index].adopts(delivered)
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
                if claim.id.name == exempt || memories[claim.id] != nil { continue }
                found.append("\(claim) is not there, but \(views[index].name) announces it")
            }
        }
        return found
    }

    private mutating func mustStay(_ claim: Claim, now: Duration) -> String? {
        if memories[claim.id] != nil { return "not all have been read that announced it before the start" }
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
