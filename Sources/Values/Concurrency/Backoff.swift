/// How long to wait before the next attempt. The delay doubles with each failure in a row, up to a limit.
///
/// The upper half of each delay is random, so that the clients of a server that comes back do not all return at once.
package struct Backoff: Sendable, Hashable {
    /// The longest delay after the first failure.
    package let first: Duration
    /// The longest delay after any number of failures.
    package let longest: Duration
    /// The failures since the last success.
    package private(set) var failures = 0

    /// - Parameters:
    ///   - first: The longest delay after the first failure.
    ///   - longest: The longest delay after any number of failures.
    package init(from first: Duration, to longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// Counts a failure.
    /// - Parameter jitter: The place of the delay in the upper half of its range, from 0 to 1.
    /// - Returns: The delay before the next attempt.
    package mutating func next(jitter: Double = .random(in: 0...1)) -> Duration {
        defer { failures += 1 }
        return delay(afterFailures: failures, jitter: jitter)
    }

    /// Counts a failure.
    /// - Returns: The delay before the next attempt.
    package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        next(jitter: .random(in: 0...1, using: &random))
    }

    /// An attempt succeeded: the next failure counts as the first one.
    package mutating func reset() {
        failures = 0
    }
}

extension Backoff {
    /// The delay for a caller that counts failures itself.
    /// - Parameters:
    ///   - failures: The failures in a row before the one that just happened.
    ///   - jitter: The place of the delay in the upper half of its range, from 0 to 1.
    package func delay(afterFailures failures: Int, jitter: Double = .random(in: 0...1)) -> Duration {
        limit(afterFailures: failures) * (0.5 + jitter / 2)
    }

    /// The delay without its random part: the longest one after so many failures.
    /// - Parameter failures: The failures in a row before the one that just happened.
    package func limit(afterFailures failures: Int) -> Duration {
        // Twenty doublings of a millisecond are a quarter of an hour.
        min(first * (1 << min(failures, 20)), longest)
    }
}
