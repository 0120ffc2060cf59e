internal import Logging

/// What a follower tells people. A failure that goes on is told the 1st, 2nd, 4th, 8th … time.
enum FollowerReport: Sendable {
    case connected([String: String])
    case disconnected(reason: String, failures: Int)
    /// - Parameter pause: Until the next full read; `nil` where that waits for the registry.
    case unreadable(reason: String, failures: Int, pause: Duration?)
    case changesLost(reason: String)
    case outdated(reason: String)
    /// - Parameter isNews: Whether the registry changed, or could not be read before.
    case read(ReadTally, isNews: Bool)
    case nameUnreadable(String, reason: String, failures: Int)

    /// Whether it is worth a line.
    var isTold: Bool {
        switch self {
        case .disconnected(_, let failures), .unreadable(_, let failures, _), .nameUnreadable(_, _, let failures):
            failures & (failures - 1) == 0
        case .connected, .changesLost, .outdated, .read: true
        }
    }

    func log(to logger: Logger) {
        guard isTold else { return }
        switch self {
        case .connected(let details):
            logger.info("registry connected", metadata: details.mapValues { "\($0)" })
        case .disconnected(let reason, let failures):
            logger.warning(
                "registry disconnected",
                metadata: ["reason": "\(reason)", "failures": "\(failures)", "effect": "nothing is removed"])
        case .unreadable(let reason, let failures, let pause):
            var metadata: Logger.Metadata = [
                "reason": "\(reason)", "failures": "\(failures)", "effect": "the last good view stays",
            ]
            if let pause { metadata["retryIn"] = "\(Int(pause / .milliseconds(1)))ms" }
            logger.error("registry unreadable", metadata: metadata)
        case .changesLost(let reason):
            logger.notice("registry changes lost", metadata: ["reason": "\(reason)", "effect": "a full read"])
        case .outdated(let reason):
            logger.notice("registry view outdated", metadata: ["reason": "\(reason)", "effect": "a full read"])
        case .read(let tally, let isNews):
            logger.log(
                level: isNews ? .info : .debug, "registry read",
                metadata: [
                    "names": "\(tally.names)", "instances": "\(tally.instances)", "unusable": "\(tally.unusable)",
                    "unreadable": "\(tally.unreadable)",
                ])
        case .nameUnreadable(let name, let reason, let failures):
            logger.error(
                "service unreadable",
                metadata: [
                    "name": "\(name)", "reason": "\(reason)", "failures": "\(failures)",
                    "effect": "its last good view stays",
                ])
        }
    }
}
