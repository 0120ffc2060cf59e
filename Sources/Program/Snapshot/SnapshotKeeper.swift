package import Logging

/// Keeps a file up to date with a source, at a cost that stays below a twentieth of the time.
///
/// The first change is written at once, the next ones together after a pause; what changed last is written at the stop.
package final class SnapshotKeeper: Sendable {
    private let file: SnapshotFile
    private let clock: any Clock<Duration>
    private let sinceStart: @Sendable () -> Duration
    private let stopLimit: Duration
    private let logger: Logger
    private let changes = ChangeFlag()

    /// - Parameter stopLimit: For what is still to be written at the stop; a write that takes longer is given up.
    package init(
        file: SnapshotFile, clock: any Clock<Duration> = ContinuousClock(), stopLimit: Duration = .seconds(5),
        logger: Logger
    ) {
        self.file = file
        self.clock = clock
        sinceStart = clock.stopwatch()
        self.stopLimit = stopLimit
        self.logger = logger
    }

    private var now: Duration { sinceStart() }

    /// Something is not as it was written. Returns at once.
    package func changed() {
        changes.raise()
    }

    /// What was written last; nothing when there is nothing or it can't be used, which is reported.
    package func recall() async -> [SnapshotRecord] {
        switch await file.read() {
        case .records(let records, let age):
            logger.info("read the snapshot", metadata: about(["services": "\(records.count)", "age": "\(age)"]))
            return records
        case .none:
            logger.info("there is no snapshot yet", metadata: about())
        case .setAside(let path, let reason):
            logger.error(
                "the snapshot can't be used and is set aside",
                metadata: about(["reason": "\(reason)", "setAside": "\(path)"]))
        case .unreadable(let reason):
            logger.error("the snapshot can't be used", metadata: about(["reason": "\(reason)"]))
        }
        return []
    }

    /// Writes until the task is cancelled, and then what is still to be written. Trouble is reported and tried again.
    package func run(source: any SnapshotSource) async {
        var schedule = WriteSchedule(stopLimit: stopLimit)
        while true {
            await changes.wait()
            let pause = schedule.pause(now: now)
            if pause > .zero { try? await Task.sleep(for: pause, clock: clock) }
            guard changes.lower() else { break }
            let isWritten = await write(source, &schedule)
            if !isWritten, Task.isCancelled { break }
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
                level: isRecovery ? .info : .debug, "wrote the snapshot",
                metadata: about(["services": "\(count)", "after": "\(now - start)"]))
            return true
        } catch {
            changes.raise()
            let reason = "\(error)"
            if schedule.failed(since: start, now: now, reason: reason) {
                let next = Task.isCancelled ? "never" : "\(schedule.pause(now: now))"
                logger.error(
                    "the snapshot can't be written; the last one stays",
                    metadata: about(["reason": "\(reason)", "retryIn": "\(next)"]))
            }
            return false
        }
    }

    private func about(_ metadata: Logger.Metadata = [:]) -> Logger.Metadata {
        metadata.merging(["file": "\(file.path)"]) { given, _ in given }
    }
}

extension Clock where Duration == Swift.Duration {
    /// The time since this call.
    fileprivate func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}
