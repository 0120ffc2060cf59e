/// When the snapshot is written: at the first change, and then so rarely that it costs little.
///
/// A pure state machine; all times are monotonic.
struct WriteSchedule {
    /// A write may take a twentieth of the time.
    private static let restFactor = 20
    private static let shortestRest = Duration.seconds(1)
    private static let longestBackoff = Duration.seconds(60)

    let stopLimit: Duration
    private var earliest = Duration.zero
    private var failures = 0
    private var reported: String?
    private var deadline: Duration?

    /// - Parameter stopLimit: How long writing may go on after the stop.
    init(stopLimit: Duration) {
        self.stopLimit = stopLimit
    }

    func pause(now: Duration) -> Duration { max(.zero, earliest - now) }

    mutating func mayGoOn(isStopping: Bool, now: Duration) -> Bool {
        guard isStopping else { return true }
        let deadline = deadline ?? now + stopLimit
        self.deadline = deadline
        return now < deadline
    }

    /// - Returns: Whether that is news, after a failure.
    mutating func succeeded(since start: Duration, now: Duration) -> Bool {
        defer {
            failures = 0
            reported = nil
        }
        earliest = now + max((now - start) * Self.restFactor, Self.shortestRest)
        return reported != nil
    }

    /// - Returns: Whether that is news: the last failure had another reason.
    mutating func failed(since start: Duration, now: Duration, reason: String) -> Bool {
        defer {
            failures += 1
            reported = reason
        }
        let backoff = min(Self.shortestRest * (1 << min(failures, 10)), Self.longestBackoff)
        earliest = now + max((now - start) * Self.restFactor, backoff)
        return reported != reason
    }
}
