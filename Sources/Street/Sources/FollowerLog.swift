internal import Logging
internal import Notices
internal import Text

/// Writes the reports of a follower to the log. A condition that goes on is told less and less often.
struct FollowerLog {
    /// Until a read is complete: a connection that breaks again and again is one condition.
    private var disconnection = Reminder()
    /// Whether the next connection ends what was told last.
    private var tellsConnection = true
    private var failure = Reminder()
    private var overflow = Reminder()
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// - Parameter now: Monotonic.
    mutating func log(_ report: FollowerReport, now: Duration) {
        switch report {
        case .connected(let details):
            logger.log(
                level: tellsConnection ? .info : .debug, "registry connected", metadata: details.mapValues { "\($0)" })
            tellsConnection = false
        case .disconnected(let reason, let failures):
            guard disconnection.isDue(now: now) else { return }
            tellsConnection = true
            logger.warning(
                "registry disconnected",
                metadata: about(reason, failures, disconnection, now, effect: "nothing is removed"))
        case .unreadable(let reason, let failures, let pause):
            guard failure.isDue(now: now) else { return }
            var metadata = about(reason, failures, failure, now, effect: "the last good view stays")
            if let pause { metadata["retryIn"] = "\(pause.readable)" }
            logger.error("registry unreadable", metadata: metadata)
        case .changesLost(let reason):
            guard overflow.isDue(now: now) else { return }
            logger.notice("registry changes lost", metadata: ["reason": "\(reason)", "effect": "a full read"])
        case .outdated(let reason):
            logger.notice("registry view outdated", metadata: ["reason": "\(reason)", "effect": "a full read"])
        case .read(let tally, let isNews):
            disconnection.end(now: now)
            failure.end(now: now)
            overflow.end(now: now)
            logger.log(
                level: isNews ? .info : .debug, "registry read",
                metadata: [
                    "names": "\(tally.names)", "instances": "\(tally.instances)", "unusable": "\(tally.unusable)",
                    "unreadable": "\(tally.unreadable)",
                ])
        case .nameUnreadable(let name, let reason, let failures):
            // The 1st, 2nd, 4th, 8th … time.
            guard failures & (failures - 1) == 0 else { return }
            var metadata = about(reason, failures, Reminder(), now, effect: "its last good view stays")
            metadata["name"] = "\(name)"
            logger.error("service unreadable", metadata: metadata)
        }
    }

    private func about(
        _ reason: String, _ failures: Int, _ reminder: Reminder, _ now: Duration, effect: String
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["reason": "\(reason)", "failures": "\(failures)", "effect": "\(effect)"]
        if let since = reminder.since, since < now { metadata["for"] = "\((now - since).readable)" }
        return metadata
    }
}
