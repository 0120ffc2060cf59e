/// The delay before the next attempt. It doubles with each failure, and has jitter so that the clients of a recovering
/// server do not all reconnect at once.
struct Backoff: Sendable {
    static let first = Duration.milliseconds(800)
    /// The longest delay, jitter included.
    static let longest = Duration.seconds(30)

    private(set) var failures = 0

    mutating func reset() {
        failures = 0
    }

    /// Counts a failure.
    ///
    /// - Returns: a random delay between a step and twice that step. The step doubles from 0.8 s up to 15 s.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        // After five doublings the step has reached its limit.
        let step = min(Self.first * (1 << min(failures, 5)), Self.longest / 2)
        failures += 1
        return step * Double.random(in: 1...2, using: &random)
    }
}
