/// When an object that keeps changing may be written next. A pure state machine.
///
/// All objects that keep changing share a budget of the API server: half a request under way and 1 MiB a second, as
/// long as no object has to wait for more than five seconds. An object that changes alone hardly ever waits. Of a
/// thousand that change together each is written less often, the less the larger it is and the slower the server is.
/// After a quiet time the first change is written at once, and the next few soon.
///
/// It remembers the writes of the last seconds, and nothing else.
struct WritePacing<Key: Hashable & Sendable>: Sendable {
    private struct Record {
        var writtenAt: Duration
        var notBefore: Duration
        /// Writes since it was quiet, before this one.
        var streak = 0
    }

    /// No change waits for longer after the write before it. It is shorter than the time for which a provider that
    /// deregisters goes on to serve (Dubbo: 10 s).
    static var longestInterval: Duration { .seconds(5) }
    /// A shorter delay would cost more than it saves.
    static var shortestInterval: Duration { .milliseconds(5) }
    /// An object that was not written for so long is quiet.
    static var quietTime: Duration { longestInterval * 2 }
    /// Requests under way on the average, for all that keeps changing.
    static var share: Double { 0.5 }
    /// etcd keeps each version until it is compacted, after five to ten minutes. This is a part of the 2 GiB that etcd
    /// may have.
    static var bytesPerSecond: Double { 1_048_576 }
    /// How much longer each interval after a quiet time may be than the one before it.
    private static var growth: Double { 4 }
    /// The weight of the newest write in the mean.
    private static var gain: Double { 0.1 }

    private var records: [Key: Record] = [:]
    /// Of a small write, in seconds.
    private var meanLatency: Double?
    /// Until when the writes so far take up what all may ask for.
    private var takenUntil = Duration.zero
    private var sweepAt = Duration.zero

    /// How many objects are remembered.
    var count: Int { records.count }

    /// How long the object's next write has to wait; `nil` when it may be made at once.
    func delay(_ key: Key, now: Duration) -> Duration? {
        guard let record = records[key], now < record.notBefore else { return nil }
        return record.notBefore - now
    }

    /// A write was made, and ended now.
    mutating func wrote(_ key: Key, _ cost: WriteCost, now: Duration) {
        forgetQuiet(now: now)
        let began = now - max(cost.latency, .zero)
        let mean = meanLatency.map { $0 + Self.gain * (cost.unitLatency - $0) } ?? cost.unitLatency
        meanLatency = mean
        let expected = mean * cost.weight
        let claim = max(expected / Self.share, Double(cost.bytes) / Self.bytesPerSecond)
        takenUntil = min(max(takenUntil, began) + .seconds(claim), now + Self.longestInterval)

        let previous = records[key].flatMap { isQuiet($0, now: now) ? nil : $0 }
        let streak = previous.map { $0.streak + 1 } ?? 0
        let ramp = claim * pow(Self.growth, streak)
        let interval = min(takenUntil - began, .seconds(min(ramp, Self.longestInterval / .seconds(1))))
        let notBefore = interval < Self.shortestInterval ? now : began + interval
        records[key] = Record(writtenAt: now, notBefore: notBefore, streak: streak)
    }

    /// The object is gone. Another one of this name has not kept changing.
    mutating func removed(_ key: Key) {
        records[key] = nil
    }

    private func isQuiet(_ record: Record, now: Duration) -> Bool { now - record.writtenAt >= Self.quietTime }

    private mutating func forgetQuiet(now: Duration) {
        guard now >= sweepAt else { return }
        sweepAt = now + Self.quietTime
        records = records.filter { !isQuiet($0.value, now: now) }
    }

    private func pow(_ base: Double, _ exponent: Int) -> Double {
        // Beyond that every interval is the longest.
        (0..<min(exponent, 20)).reduce(1) { power, _ in power * base }
    }
}
