/// Pauses between attempts: 0.5 s, doubling to a ceiling, the upper half of each at random.
package struct RetryBackoff: Sendable {
    private var failures = 0

    package init() {}

    package mutating func next() -> Duration {
        defer { failures += 1 }
        return Self.delay(afterFailures: failures, ceiling: 30)
    }

    /// - Parameters:
    ///   - failures: In a row, before the one that just happened.
    ///   - ceiling: Seconds.
    package static func delay(
        afterFailures failures: Int, ceiling: Double, jitter: Double = .random(in: 0.5...1)
    ) -> Duration {
        .seconds(min(0.5 * Double(1 << min(failures, 12)), ceiling) * jitter)
    }
}

extension Duration {
    /// With one decimal: `12.3`.
    package var formattedMilliseconds: String {
        let tenths = Int64(self / .microseconds(100))
        return "\(tenths / 10).\(tenths % 10)"
    }
}
