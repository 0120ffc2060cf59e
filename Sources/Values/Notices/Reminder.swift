/// Says when a condition that goes on is worth another line of the log: at once, then 10 s, 20 s, 40 s … later, and at
/// least every ten minutes.
package struct Reminder: Sendable, Hashable {
    private static let first = Duration.seconds(10)
    private static let longest = Duration.seconds(600)

    /// When the condition began; `nil` while it does not hold. Monotonic.
    package private(set) var since: Duration?
    private var next = Duration.zero
    private var interval = first

    package init() {}

    /// The condition holds, or was met again.
    /// - Parameter now: Monotonic.
    /// - Returns: Whether to tell of it.
    package mutating func isDue(now: Duration) -> Bool {
        if since == nil {
            since = now
            interval = Self.first
        } else if now < next {
            return false
        } else {
            interval = min(interval * 2, Self.longest)
        }
        next = now + interval
        return true
    }

    /// The condition is over.
    /// - Returns: How long it held, where it did.
    @discardableResult
    package mutating func end(now: Duration) -> Duration? {
        defer { since = nil }
        return since.map { now - $0 }
    }
}
