/// How long a follower waits before it does something again.
package struct FollowerPauses: Sendable {
    /// After the first of several names that are asked for: names that follow are read together with it.
    package var gathering = Duration.milliseconds(100)
    /// Between failed full reads; it doubles up to `fullReadCeiling`.
    package var fullRead = Duration.seconds(1)
    package var fullReadCeiling = Duration.seconds(30)
    /// Before a name is read again whose read failed for a reason that may pass; it doubles up to `nameCeiling`.
    package var name = Duration.seconds(5)
    package var nameCeiling = Duration.seconds(300)
    /// Before a name is read again that the registry refused.
    package var refusal = Duration.seconds(300)

    package init() {}

    /// - Parameters:
    ///   - failures: In a row, 1 or more.
    ///   - jitter: From 0.5 to 1.
    func beforeFullRead(failures: Int, jitter: Double) -> Duration {
        Self.doubled(fullRead, failures: failures, ceiling: fullReadCeiling) * jitter
    }

    func beforeName(failures: Int) -> Duration {
        Self.doubled(name, failures: failures, ceiling: nameCeiling)
    }

    private static func doubled(_ pause: Duration, failures: Int, ceiling: Duration) -> Duration {
        min(pause * (1 << min(failures - 1, 16)), ceiling)
    }
}
