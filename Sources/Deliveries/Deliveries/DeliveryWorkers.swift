internal import Concurrency
package import IstioAPI
package import Logging
internal import Notices
internal import Synchronization
internal import Text

/// What one attempt to deliver a resource led to.
package enum Attempt: Sendable, Hashable {
    /// The resource is as it should be; `nil` when nothing had to be done.
    case done(Receipt.Outcome?)
    /// Nothing was written: the write waits for its turn.
    case held(Lane)
    /// The object was not as the plan had it: plan again.
    case outdated
    /// Done for now. Something is still to be done and has to wait, which is no failure.
    case waiting(Receipt.Outcome?, retryAfter: Duration)
    /// No repetition helps until something changes. Nothing may tell of that change, so it is repeated all the same,
    /// seldom.
    case refused(reason: String)
    /// Another writer keeps changing it.
    case fieldConflict(reason: String, retryAfter: Duration)
    /// - Parameter retryAfter: How long the other side wants to be left alone, with this and with all else.
    case failed(reason: String, retryAfter: Duration?)
    /// Another replica writes.
    case standby
    /// The bridge stops. The next run plans anew.
    case abandoned
}

/// Takes resources from a queue, has them delivered, and sees to repetitions, receipts and the log. The same for every
/// way out.
package struct DeliveryWorkers: Sendable {
    private final class Shared: Sendable {
        let ledger = Mutex(AttemptLedger())
        let notices = Mutex(NoticeGroups<FailureNotice>())
    }

    package let name: String
    package let queue: WorkQueue<ResourceKey>
    package let logger: Logger
    private let stopwatch: Stopwatch
    private let shared = Shared()

    /// - Parameters:
    ///   - pacing: Says when resources are written.
    ///   - clock: Measures the delays before repetitions.
    package init(
        name: String, pacing: Pacing<ResourceKey>, logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.name = name
        self.logger = logger
        stopwatch = Stopwatch(clock)
        queue = WorkQueue(pacing: pacing, stopwatch: stopwatch)
    }

    /// - Parameter isInBackground: Whether they can wait until nothing else does.
    package func add(_ keys: some Sequence<ResourceKey>, isInBackground: Bool = false) {
        queue.add(all: keys, isInBackground: isInBackground)
    }

    /// Runs until the queue is finished or the task cancelled.
    /// - Parameters:
    ///   - isUrgent: Whether more is to be done for a resource than to carry on a change of what is wanted, which may
    ///     wait for its time.
    ///   - attempt: Brings one resource closer to what is wanted.
    package func run(
        desired: any DesiredState,
        isUrgent: @escaping @Sendable (ResourceKey) async -> Bool = { _ in false },
        attempt: @escaping @Sendable (ResourceKey, Wanted) async -> Attempt
    ) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await wakeQueue() }
            for _ in 0..<queue.workerCount {
                group.addTask { await work(desired: desired, isUrgent: isUrgent, attempt: attempt) }
            }
        }
    }

    private func work(
        desired: any DesiredState, isUrgent: @escaping @Sendable (ResourceKey) async -> Bool,
        attempt: @escaping @Sendable (ResourceKey, Wanted) async -> Attempt
    ) async {
        await withDiscardingTaskGroup { retries in
            while let (key, added) = await queue.next() {
                guard await waitOutPause() else { break }
                if let postponement = await postpone(key, since: added, desired: desired, isUrgent: isUrgent) {
                    if let time = postponement.sleepUntil {
                        retries.addTask { await repeatWhenDue(sleepingUntil: time) }
                    }
                    queue.done(key)
                    continue
                }
                let since = min(shared.ledger.withLock { $0.begin(key) } ?? added, added)
                let wanted = await desired.wanted(key)
                let result = wanted == .undecided ? .done(nil) : await attempt(key, wanted)
                if case .held(let lane) = result {
                    queue.hold((key, since), in: lane)
                    continue
                }
                if case .done(.deleted) = result { queue.removed(key) }
                let settlement = shared.ledger.withLock { $0.settle(key, result, now: stopwatch.elapsed) }
                if let time = settlement.sleepUntil { retries.addTask { await repeatWhenDue(sleepingUntil: time) } }
                if await report(settlement, of: key, since: since, to: desired) {
                    retries.addTask { await tellOthers() }
                }
                if settlement.retryIn == .zero { queue.add(key) }
                queue.done(key)
            }
            retries.cancelAll()
        }
    }

    /// Wakes the queue at the times at which keys may be taken though nothing happens.
    private func wakeQueue() async {
        await withDiscardingTaskGroup { sleepers in
            for await time in queue.alarms {
                sleepers.addTask {
                    // It throws only when the workers stop, and then the queue takes nothing more.
                    do { try await stopwatch.sleep(for: max(time - stopwatch.elapsed, .zero)) } catch { return }
                    queue.wake()
                }
            }
            sleepers.cancelAll()
        }
    }

    /// - Returns: `nil` for a resource that has not to wait. Only a resource that keeps changing and is still wanted
    ///   has to.
    private func postpone(
        _ key: ResourceKey, since: ContinuousClock.Instant, desired: any DesiredState,
        isUrgent: @Sendable (ResourceKey) async -> Bool
    ) async -> AttemptLedger.Postponement? {
        guard queue.delay(key) != nil else { return nil }
        guard await desired.mayBeWanted(key), await !isUrgent(key) else { return nil }
        // Some of the delay may be over by now.
        guard let delay = queue.delay(key) else { return nil }
        return shared.ledger.withLock { $0.postpone(key, since: since, until: stopwatch.elapsed + delay) }
    }

    /// - Returns: `false` when the task was cancelled.
    private func waitOutPause() async -> Bool {
        while let pause = shared.ledger.withLock({ $0.pause(now: stopwatch.elapsed) }) {
            do { try await stopwatch.sleep(for: pause) } catch { return false }
        }
        return true
    }

    private func repeatWhenDue(sleepingUntil first: Duration) async {
        var time: Duration? = first
        while let wake = time {
            // It throws only when the workers stop, and then the queue takes nothing more.
            do { try await stopwatch.sleep(for: max(wake - stopwatch.elapsed, .zero)) } catch { return }
            let (due, next) = shared.ledger.withLock { $0.wake(wake, now: stopwatch.elapsed) }
            add(due)
            time = next
        }
    }
}

// MARK: - What is reported

extension DeliveryWorkers {
    /// - Parameters:
    ///   - limit: How many failures to name.
    ///   - leadership: How replicas share the delivery.
    package func report(limit: Int, leadership: LeadershipState = .notElected) -> DeliveryReport {
        // A copy, so that the workers don't wait for the sorting.
        let ledger = shared.ledger.withLock { $0 }
        let now = stopwatch.elapsed
        let failures = limit > 0 ? ledger.failures(now: now) : []
        return DeliveryReport(
            pending: queue.unfinished + ledger.postponedCount,
            failures: Array(failures.prefix(limit)), failureGroups: FailureGroup.groups(of: failures),
            failureCount: ledger.failureCount, condition: ledger.condition(now: now), leadership: leadership)
    }

    /// - Parameters:
    ///   - condition: What keeps the delivery as a whole from working; `nil` when that is over.
    ///   - kind: The resources that it concerns.
    package func note(condition: String?, of kind: ResourceKind = .serviceEntry) {
        shared.ledger.withLock { $0.note(condition, of: kind, now: stopwatch.elapsed) }
    }
}

// MARK: - Receipts and the log

extension DeliveryWorkers {
    /// - Returns: Whether `tellOthers` has to run from now on.
    private func report(
        _ settlement: AttemptLedger.Settlement, of key: ResourceKey, since: ContinuousClock.Instant,
        to desired: any DesiredState
    ) async -> Bool {
        if let pause = settlement.pause {
            logger.warning(
                "server asks for a pause", metadata: ["pause": "\(pause.readable)"])
        }
        guard let outcome = settlement.outcome else { return false }
        // A field conflict goes on for as long as two writers want different things. It is logged once for each step of
        // its backoff.
        if case .fieldConflict = outcome, !settlement.isNews { return false }
        let receipt = Receipt(key: key, delivery: name, outcome: outcome, elapsed: since.duration(to: .now))
        let mustWait = log(receipt, settlement)
        await desired.delivered(receipt)
        return mustWait
    }

    /// - Returns: Whether `tellOthers` has to run from now on.
    private func log(_ receipt: Receipt, _ settlement: AttemptLedger.Settlement) -> Bool {
        var metadata: Logger.Metadata = [
            "kind": "\(receipt.key.kind.rawValue)", "resource": "\(receipt.key.namespace)/\(receipt.key.name)",
        ]
        switch receipt.outcome {
        case .created(let push), .updated(let push), .deleted(let push):
            metadata["push"] = "\(push)"
            metadata["after"] = "\(receipt.elapsed.readable)"
        case .refused(let reason), .fieldConflict(let reason), .failed(let reason):
            metadata["reason"] = "\(reason)"
            metadata["retryIn"] = settlement.retryIn.map { "\($0.readable)" }
        }
        switch receipt.outcome {
        case .created: logger.info("resource created", metadata: metadata)
        case .updated: logger.info("resource updated", metadata: metadata)
        case .deleted: logger.info("resource deleted", metadata: metadata)
        case .refused(let reason): return log(.refused, reason, receipt.key, settlement, metadata)
        case .fieldConflict(let reason): return log(.fieldConflict, reason, receipt.key, settlement, metadata)
        case .failed(let reason): return log(.failed, reason, receipt.key, settlement, metadata)
        }
        return false
    }

    /// The first resource of several that fail for one reason has a line, and the others are told together.
    private func log(
        _ kind: ResourceFailure.Kind, _ reason: String, _ key: ResourceKey, _ settlement: AttemptLedger.Settlement,
        _ metadata: Logger.Metadata
    ) -> Bool {
        let notice = FailureNotice(kind, reason, of: key)
        // A server that is down fails every object, again and again. Each object counts once.
        guard settlement.isNews else {
            logger.debug(notice.message, metadata: metadata)
            return false
        }
        let (isTold, mustWait) = shared.notices.withLock { notices in
            notices.add(notice, subject: "\(key.namespace)/\(key.name)", now: stopwatch.elapsed)
        }
        logger.log(level: isTold ? notice.level : .debug, notice.message, metadata: metadata)
        return mustWait
    }

    /// Tells of the resources whose failures were counted, as long as there are any.
    private func tellOthers() async {
        while true {
            do { try await stopwatch.sleep(for: NoticeGroups<FailureNotice>.tick) } catch { return }
            let (summaries, goesOn) = shared.notices.withLock { $0.wake(now: stopwatch.elapsed) }
            for summary in summaries {
                let more = summary.count > summary.subjects.count ? ", …" : ""
                logger.log(
                    level: summary.group.level, summary.group.othersMessage,
                    metadata: [
                        "kind": "\(summary.group.resourceKind.rawValue)", "count": "\(summary.count)",
                        "reason": "\(summary.group.reason)",
                        "resources": "\(summary.subjects.joined(separator: ", "))\(more)",
                    ])
            }
            if !goesOn { return }
        }
    }
}
