package import Concurrency

/// How long a follower waits before it does something again.
package struct FollowerPauses: Sendable {
    /// After the first of several names that are asked for: names that follow are read together with it.
    package var gathering = Duration.milliseconds(100)
    /// Between failed full reads.
    package var fullRead = Backoff(from: .seconds(1), to: .seconds(30))
    /// Before a name is read again whose read failed for a reason that may pass.
    package var name = Backoff(from: .seconds(5), to: .seconds(300))
    /// Before a name is read again that the registry refused.
    package var refusal = Duration.seconds(300)

    package init() {}
}
