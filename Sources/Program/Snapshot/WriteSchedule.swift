internal import Concurrency

/// When the snapshot is written: at the first change, and then so rarely that writing costs little.
///
/// A pure state machine; all times are monotonic.
struct WriteSchedule {
    /// A delay is this many times as long as the write before it.
    private static let delayFactor = 20
    private static let shortestDelay = Duration.seconds(1)
    private static let backoff = Backoff(from: shortestDelay, to: .seconds(60))

    let stopLimit: Duration
    private var earliest = Duration.zero
    private var failures = 0
    private var reported: String?
    private var deadline: Duration?

    /// - Parameter stopLimit: The time that writing may take after the stop.
    init(stopLimit: Duration) {
        self.stopLimit = stopLimit
    }

    /// The delay until the next write.
    func delay(now: Duration) -> Duration { max(.zero, earliest - now) }

    /// Whether a write that is under way may go on.
    mutating func mayGoOn(isStopping: Bool, now: Duration) -> Bool {
        guard isStopping else { return true }
        let deadline = deadline ?? now + stopLimit
        self.deadline = deadline
        return now < deadline
    }

    /// A write succeeded.
    /// - Returns: Whether the write before it failed.
    mutating func succeeded(since start: Duration, now: Duration) -> Bool {
        defer {
            failures = 0
            reported = nil
        }
        earliest = now + max((now - start) * Self.delayFactor, Self.shortestDelay)
        return reported != nil
    }

    /// A write failed.
    /// - Returns: Whether the reason is new: the write before succeeded, or failed for another reason.
    mutating func failed(since start: Duration, now: Duration, reason: String) -> Bool {
        defer {
            failures += 1
            reported = reason
        }
        earliest = now + max((now - start) * Self.delayFactor, Self.backoff.limit(afterFailures: failures))
        return reported != reason
    }
}
