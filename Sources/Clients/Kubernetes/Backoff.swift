/// How long to wait before the next attempt: twice as long after each failure, with jitter, so that the clients of a
/// server that comes back do not all return at once.
struct Backoff: Sendable {
    static let first = Duration.milliseconds(800)
    /// The longest wait, jitter included.
    static let longest = Duration.seconds(30)

    private(set) var failures = 0

    mutating func reset() {
        failures = 0
    }

    /// Counts a failure. The wait lies between its step, which doubles from 0.8 s to 15 s, and twice that.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        // Beyond five doublings the step is at its limit anyway.
        let step = min(Self.first * (1 << min(failures, 5)), Self.longest / 2)
        failures += 1
        return step * Double.random(in: 1...2, using: &random)
    }
}
