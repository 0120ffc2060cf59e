/// How many writes may be under way at once: about as many as the API server works on, and a few that wait. A pure
/// state machine.
///
/// Of the writes under way, the part by which the latency exceeds its minimum only waits, as in TCP Vegas. While few
/// wait and the limit is used, the limit grows by one in each round. When many wait, it shrinks by one. A refusal for
/// the server's load halves it.
struct ConcurrencyLimit: Sendable {
    /// How many writes should wait. With fewer the server might be idle for a moment. With more nothing is gained.
    private static let waiting = 3.0...8.0
    /// The same as a part of the limit, since latencies vary.
    private static let waitingPart = 0.25...0.5
    /// The minimum doubles in this time, so that a server that became slower for good is understood.
    private static let minimumDoubling = Duration.seconds(600)
    /// Refusals that come together count once.
    private static let calmTime = Duration.seconds(1)

    let range: ClosedRange<Int>
    private(set) var limit: Int
    /// The latency of a small write, in seconds: the least mean of a round.
    private var minimum: Double?
    private var minimumSince = Duration.zero
    private var round = Round()
    private var calmUntil = Duration.zero

    /// As many writes as may be under way at once.
    private struct Round {
        var writes = 0
        var latency = 0.0
        /// Whether there was more to write.
        var isLimited = false
    }

    init(_ range: ClosedRange<Int>, initial: Int = 16) {
        self.range = range
        limit = min(max(initial, range.lowerBound), range.upperBound)
    }

    /// A write succeeded.
    /// - Parameter isLimited: Whether more writes were waiting for their turn.
    mutating func succeeded(_ cost: WriteCost, isLimited: Bool, now: Duration) {
        round.writes += 1
        round.latency += cost.unitLatency
        if isLimited { round.isLimited = true }
        guard round.writes >= max(limit, 8) else { return }
        defer { round = Round() }
        let mean = round.latency / Double(round.writes)
        let least = leastLatency(mean, now: now)
        guard mean > 0, round.isLimited, now >= calmUntil else { return }
        let waiting = Double(limit) * (1 - least / mean)
        let few = max(Self.waiting.lowerBound, Self.waitingPart.lowerBound * Double(limit))
        let many = max(Self.waiting.upperBound, Self.waitingPart.upperBound * Double(limit))
        if waiting < few { limit = min(limit + 1, range.upperBound) }
        if waiting > many { limit = max(limit - 1, range.lowerBound) }
    }

    /// The server refused a write for its load, or did not answer in time.
    mutating func overloaded(now: Duration) {
        guard now >= calmUntil else { return }
        calmUntil = now + Self.calmTime
        limit = max(limit / 2, range.lowerBound)
        round = Round()
    }

    private mutating func leastLatency(_ mean: Double, now: Duration) -> Double {
        let aged = minimum.map { $0 * (1 + (now - minimumSince) / Self.minimumDoubling) } ?? mean
        minimum = min(mean, aged)
        minimumSince = now
        return min(mean, aged)
    }
}
