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
    /// - Returns: The delay before the next attempt.
    package mutating func next() -> Duration {
        var random = SystemRandomNumberGenerator()
        return next(using: &random)
    }

    /// Counts a failure.
    /// - Returns: The delay before the next attempt.
    package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        defer { failures += 1 }
        return delay(afterFailures: failures, using: &random)
    }

    /// An attempt succeeded: the next failure counts as the first one.
    package mutating func reset() {
        failures = 0
    }
}

extension Backoff {
    /// The delay for a caller that counts failures itself.
    /// - Parameter failures: The failures in a row before the one that just happened.
    package func delay(afterFailures failures: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return delay(afterFailures: failures, using: &random)
    }

    /// The delay for a caller that counts failures itself.
    /// - Parameter failures: The failures in a row before the one that just happened.
    package func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        limit(afterFailures: failures) * Double.random(in: 0.5...1, using: &random)
    }

    /// The delay without its random part: the longest one after so many failures.
    /// - Parameter failures: The failures in a row before the one that just happened.
    package func limit(afterFailures failures: Int) -> Duration {
        // Twenty doublings of a millisecond are a quarter of an hour.
        min(first * (1 << min(failures, 20)), longest)
    }
}
