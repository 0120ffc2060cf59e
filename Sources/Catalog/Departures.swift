/// What a registry lost and the guard let go, so that what comes back can be told from what is new: a registry that recovers has gained
/// nothing that would make up for its next failure.
///
/// A departure is known for a window. Those of the window before a hold, and those that the hold lets go, are known until some time after its
/// end, since that is how long a recovery may take. So there are no more than go in a window, and than a registry has.
struct Departures: Sendable {
    private struct Departure: Hashable {
        let id: ServiceID
        let endpoint: Endpoint
    }

    private let window: Duration
    /// How long after a hold what went may come back as a part of the recovery.
    private let aftermath: Duration
    /// When each is forgotten; `nil` while something is held.
    private var ends: [Departure: Duration?] = [:]
    private var isHolding = false
    private var nextPruning = Duration.zero

    init(policy: GuardPolicy) {
        window = policy.window
        aftermath = max(policy.window, policy.holdFor)
    }

    var count: Int { ends.count }

    mutating func add(_ id: ServiceID, _ endpoint: Endpoint, now: Duration) {
        ends[Departure(id: id, endpoint: endpoint)] = .some(isHolding ? nil : now + window)
        if now >= nextPruning { prune(now: now) }
    }

    /// Whether it went lately, which is forgotten now.
    mutating func returns(_ id: ServiceID, _ endpoint: Endpoint, now: Duration) -> Bool {
        if ends.isEmpty { return false }
        guard let end = ends.removeValue(forKey: Departure(id: id, endpoint: endpoint)) else { return false }
        return end.map { now < $0 } ?? true
    }

    mutating func holdBegins(now: Duration) {
        prune(now: now)
        isHolding = true
        ends = ends.mapValues { _ in nil }
    }

    mutating func holdEnds(now: Duration) {
        isHolding = false
        ends = ends.mapValues { $0 ?? now + aftermath }
    }

    private mutating func prune(now: Duration) {
        nextPruning = now + window
        ends = ends.filter { $0.value.map { now < $0 } ?? true }
    }
}
