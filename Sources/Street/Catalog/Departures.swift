internal import Services

/// What a registry lost and the guard let go, so that what comes back can be told from what is new: a registry that recovers has gained
/// nothing that would make up for its next failure.
///
/// A departure is known for a window. Those of the window before a hold, and those that the hold lets go, are known until some time after its
/// end, since that is how long a recovery may take. So there are hardly more than go in a window, or in a hold.
struct Departures: Sendable {
    private let window: Duration
    /// How long after a hold what went may come back as a part of the recovery.
    private let aftermath: Duration
    /// The end while something is held.
    private static let never = Duration.seconds(Int64.max)
    /// When each is forgotten.
    private var ends: [InstanceKey: Duration] = [:]
    private var isHolding = false
    private var nextPruning = Duration.zero

    init(policy: GuardPolicy) {
        window = policy.window
        aftermath = max(policy.window, policy.holdFor)
    }

    var count: Int { ends.count }

    mutating func add(_ id: ServiceID, _ endpoint: Endpoint, now: Duration) {
        ends[InstanceKey(endpoint, of: id)] = isHolding ? Self.never : now + window
        if now >= nextPruning { prune(now: now) }
    }

    /// Whether it went lately, which is forgotten now.
    mutating func returns(_ id: ServiceID, _ endpoint: Endpoint, now: Duration) -> Bool {
        if ends.isEmpty { return false }
        guard let end = ends.removeValue(forKey: InstanceKey(endpoint, of: id)) else { return false }
        return now < end
    }

    mutating func holdBegins(now: Duration) {
        prune(now: now)
        isHolding = true
        ends = ends.mapValues { _ in Self.never }
    }

    mutating func holdEnds(now: Duration) {
        isHolding = false
        ends = ends.mapValues { $0 == Self.never ? now + aftermath : $0 }
    }

    private mutating func prune(now: Duration) {
        nextPruning = now + window / 4
        ends = ends.filter { now < $0.value }
    }
}
