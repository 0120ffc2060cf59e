internal import Services

/// The endpoints of one registry whose removal the guard accepted not long ago. With them, an endpoint that returns can
/// be told from a new one: a registry that recovers has gained nothing that would pay for its next failure.
///
/// A removal is remembered for a window. The removals of the window before a hold, and those that the hold releases,
/// are remembered until some time after the end of the hold, since a recovery may take that long. This bounds the
/// memory by the removals of a window or of a hold.
struct RecentRemovals: Sendable {
    private let window: Duration
    /// How long after the end of a hold an endpoint may return as a part of the recovery.
    private let aftermath: Duration
    /// The end of a memory while a hold goes on.
    private static let never = Duration.seconds(Int64.max)
    /// The time at which each removal is forgotten.
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

    /// Forgets the removal of an endpoint.
    /// - Returns: Whether it was recent.
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
