internal import Concurrency
package import Logging
internal import Text

/// Keeps a snapshot file up to date with a source. Writing takes at most a twentieth of the time.
///
/// The first change is written at once. Later changes are written together after a delay, and the last ones at the
/// stop.
package final class SnapshotKeeper: Sendable {
    private let file: SnapshotFile
    private let stopwatch: Stopwatch
    private let stopLimit: Duration
    private let logger: Logger
    private let changes = EventCount()

    /// - Parameter stopLimit: The time limit of the write at the stop. A write that takes longer is abandoned.
    package init(
        file: SnapshotFile, clock: any Clock<Duration> = ContinuousClock(), stopLimit: Duration = .seconds(5),
        logger: Logger
    ) {
        self.file = file
        stopwatch = Stopwatch(clock)
        self.stopLimit = stopLimit
        self.logger = logger
    }

    private var now: Duration { stopwatch.elapsed }

    /// Tells the keeper that the source changed. Returns at once.
    package func changed() {
        changes.signal()
    }

    /// The last snapshot; empty where there is none. A file that can't be used is logged, and counts as none.
    package func recall() async -> [SnapshotRecord] {
        switch await file.read() {
        case .records(let records, let age):
            logger.info("snapshot read", metadata: about(["services": "\(records.count)", "age": "\(age.readable)"]))
            return records
        case .none:
            logger.info("snapshot missing: none was written yet", metadata: about())
        case .setAside(let path, let reason):
            logger.error(
                "snapshot set aside: its file can't be used",
                metadata: about(["reason": "\(reason)", "setAside": "\(path)"]))
        case .unreadable(let reason):
            logger.error("snapshot unreadable", metadata: about(["reason": "\(reason)"]))
        }
        return []
    }

    /// Writes the source's changes until the task is cancelled, and then the last ones. A failure is logged, and the
    /// write is repeated.
    package func run(source: any SnapshotSource) async {
        var schedule = WriteSchedule(stopLimit: stopLimit)
        // The changes that the file has.
        var written: UInt64 = 0
        while true {
            await changes.wait(after: written)
            let delay = schedule.delay(now: now)
            if delay > .zero { try? await stopwatch.sleep(for: delay) }
            let latest = changes.ticket
            if latest == written { break }
            if await write(source, &schedule) {
                written = latest
            } else if Task.isCancelled {
                break
            }
        }
        file.release()
    }

    private func write(_ source: any SnapshotSource, _ schedule: inout WriteSchedule) async -> Bool {
        let start = now
        do {
            let count = try await file.write(from: source) {
                schedule.mayGoOn(isStopping: Task.isCancelled, now: now)
            }
            let isRecovery = schedule.succeeded(since: start, now: now)
            logger.log(
                level: isRecovery ? .info : .debug, "snapshot written",
                metadata: about(["services": "\(count)", "after": "\((now - start).readable)"]))
            return true
        } catch {
            let reason = "\(error)"
            if schedule.failed(since: start, now: now, reason: reason) {
                let next = Task.isCancelled ? "never" : schedule.delay(now: now).readable
                logger.error(
                    "snapshot not written: the last one stays",
                    metadata: about(["reason": "\(reason)", "retryIn": "\(next)"]))
            }
            return false
        }
    }

    private func about(_ metadata: Logger.Metadata = [:]) -> Logger.Metadata {
        metadata.merging(["file": "\(file.path)"]) { given, _ in given }
    }
}
