/// How often an object that keeps changing may be written, by its size. A pure state machine.
///
/// etcd keeps each version of an object whole until it is compacted. Therefore all writes share a budget of bytes.
/// While the budget is used up, an object waits after its write: the larger it is, the longer. A small object hardly
/// ever waits.
struct ObjectSizes<Key: Hashable & Sendable>: Sendable {
    /// No change waits for longer after the write before it. It is shorter than the time for which a provider that
    /// deregisters goes on to serve (Dubbo: 10 s).
    static var longestInterval: Duration { .seconds(5) }
    /// A shorter delay would cost more than it saves.
    static var shortestInterval: Duration { .milliseconds(5) }
    /// etcd compacts after five to ten minutes. What comes together until then is a part of the 2 GiB that it may have.
    static var bytesPerSecond: Double { 1_048_576 }
    /// The longest delay of an object, as a multiple of what its bytes alone take of the budget: 0.25 s for 4 KiB.
    static var longestDelay: Double { 64 }

    /// Until when an object that was written lately must not be written again.
    private var notBefore: [Key: Duration] = [:]
    /// Until when the writes so far use up the budget.
    private var takenUntil = Duration.zero
    private var sweepAt = Duration.zero

    /// How many objects are remembered.
    var count: Int { notBefore.count }

    /// How long the object's next write has to wait; `nil` when it may be made at once.
    func delay(_ key: Key, now: Duration) -> Duration? {
        guard let time = notBefore[key], now < time else { return nil }
        return time - now
    }

    /// A write was made, and ended now.
    mutating func wrote(_ key: Key, _ cost: WriteCost, now: Duration) {
        sweep(now: now)
        let began = now - max(cost.latency, .zero)
        let claim = Duration.seconds(Double(cost.bytes) / Self.bytesPerSecond)
        takenUntil = min(max(takenUntil, began) + claim, now + Self.longestInterval)
        let interval = min(takenUntil - began, claim * Self.longestDelay)
        notBefore[key] = interval < Self.shortestInterval ? nil : began + interval
    }

    /// The object is gone. Another one of this name has not kept changing.
    mutating func removed(_ key: Key) {
        notBefore[key] = nil
    }

    private mutating func sweep(now: Duration) {
        guard now >= sweepAt else { return }
        sweepAt = now + Self.longestInterval
        notBefore = notBefore.filter { now < $0.value }
    }
}
