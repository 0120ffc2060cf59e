/// What a follower tells people; `FollowerLog` decides how often.
enum FollowerReport: Sendable {
    case connected([String: String])
    /// - Parameter failures: In a row.
    case disconnected(reason: String, failures: Int)
    /// - Parameter pause: Until the next full read; `nil` where that waits for the registry.
    case unreadable(reason: String, failures: Int, pause: Duration?)
    case changesLost(reason: String)
    case outdated(reason: String)
    /// - Parameter isNews: Whether the registry changed, or could not be read before.
    case read(ReadTally, isNews: Bool)
    case nameUnreadable(String, reason: String, failures: Int)
}
