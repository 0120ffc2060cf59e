internal import Concurrency
internal import IstioAPI
internal import Logging
internal import Notices
internal import Synchronization
internal import Text

/// Tells of what keeps a cluster from being followed: at once, then less and less often while it goes on, and of its
/// end.
final class ViewLog: Sendable {
    private let logger: Logger
    private let stopwatch: Stopwatch
    private let reminders = Mutex<[ResourceKind: Reminder]>([:])

    init(logger: Logger, stopwatch: Stopwatch) {
        self.logger = logger
        self.stopwatch = stopwatch
    }

    func tell(
        _ message: Logger.Message, _ level: Logger.Level, of kind: ResourceKind, reason: String, retryIn: Duration
    ) {
        let now = stopwatch.elapsed
        let (isDue, since) = reminders.withLock { reminders in
            var reminder = reminders[kind] ?? Reminder()
            defer { reminders[kind] = reminder }
            return (reminder.isDue(now: now), reminder.since ?? now)
        }
        var metadata: Logger.Metadata = [
            "kind": "\(kind.rawValue)", "reason": "\(reason)", "retryIn": "\(retryIn.readable)",
        ]
        if since < now { metadata["for"] = "\((now - since).readable)" }
        logger.log(level: isDue ? level : .debug, message, metadata: metadata)
    }

    /// The objects of a kind are followed.
    func follows(_ kind: ResourceKind) {
        let now = stopwatch.elapsed
        guard var reminder = reminders.withLock({ $0.removeValue(forKey: kind) }), let time = reminder.end(now: now)
        else { return }
        logger.info("cluster view complete again", metadata: ["kind": "\(kind.rawValue)", "after": "\(time.readable)"])
    }
}
