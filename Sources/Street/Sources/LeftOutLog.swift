internal import Concurrency
package import Logging
internal import Notices
internal import Synchronization

/// Tells the log of registrations that can't be used. The first of each reason has a line of its own, and those that
/// follow for the same reason are told together, with their count: a thousand providers with one mistake are a few
/// lines.
package final class LeftOutLog: Sendable {
    private let logger: Logger
    private let message: Logger.Message
    private let othersMessage: Logger.Message
    private let nameKey: String
    private let stopwatch: Stopwatch
    private let notices = Mutex(NoticeGroups<String>())
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - registrations: What the registry's users call them, in the plural: `providers`.
    ///   - nameKey: What they call a name in the registry: `application`.
    ///   - clock: Measures the time until those that follow are told.
    package init(
        _ registrations: String, by nameKey: String, logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.logger = logger
        self.nameKey = nameKey
        message = "\(registrations) left out"
        othersMessage = "more \(registrations) left out for one reason"
        stopwatch = Stopwatch(clock)
    }

    /// - Parameters:
    ///   - name: The name in the registry under which they are.
    ///   - count: How many of this name there are.
    ///   - reason: Why the first of them can't be used.
    ///   - example: The first of them.
    package func add(_ name: String, count: Int, reason: String, example: String) {
        let (isTold, mustWait) = notices.withLock { $0.add(reason, subject: name, now: stopwatch.elapsed) }
        logger.log(
            level: isTold ? .warning : .debug, message,
            metadata: [nameKey: "\(name)", "count": "\(count)", "reason": "\(reason)", "example": "\(example)"])
        if mustWait { wakes.continuation.yield() }
    }

    /// Tells of what was counted, until the task is cancelled.
    package func run() async {
        for await _ in wakes.stream {
            var goesOn = true
            while goesOn {
                do { try await stopwatch.sleep(for: NoticeGroups<String>.tick) } catch { return }
                let told = notices.withLock { $0.wake(now: stopwatch.elapsed) }
                goesOn = told.goesOn
                for summary in told.summaries {
                    let more = summary.count > summary.subjects.count ? ", …" : ""
                    logger.warning(
                        othersMessage,
                        metadata: [
                            "\(nameKey)s": "\(summary.subjects.joined(separator: ", "))\(more)",
                            "count": "\(summary.count)", "reason": "\(summary.group)",
                        ])
                }
            }
        }
    }
}
