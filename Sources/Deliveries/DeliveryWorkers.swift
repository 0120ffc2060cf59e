package import IstioAPI
package import Logging
internal import Synchronization

/// What one attempt to deliver a resource led to.
package enum Attempt: Sendable, Hashable {
    /// It is as it should be; `nil` when nothing had to be done.
    case done(Receipt.Outcome?)
    /// What was known of it was wrong: plan again.
    case outdated
    /// No repetition helps until something changes, but nothing may tell of that change.
    case refused(reason: String)
    case failed(reason: String, retryAfter: Duration?)
    /// The bridge is stopping; its successor plans anew.
    case abandoned
}

/// Takes resources from a queue, has them delivered, and sees to repetitions, receipts and the log. The same for every way out.
package struct DeliveryWorkers: Sendable {
    package let name: String
    package let queue = WorkQueue<ResourceKey>()
    package let logger: Logger
    private let clock: any Clock<Duration>
    private let failures = Failures()

    /// - Parameter clock: Measures the pauses before repetitions.
    package init(name: String, logger: Logger, clock: any Clock<Duration> = ContinuousClock()) {
        self.name = name
        self.logger = logger
        self.clock = clock
    }

    package func add(_ keys: some Sequence<ResourceKey>) {
        for key in keys { queue.add(key) }
    }

    /// Runs until the queue is finished.
    /// - Parameters:
    ///   - count: How many resources may be under way at once.
    ///   - attempt: Brings one resource closer to what is wanted.
    package func run(
        count: Int, desired: any DesiredState, attempt: @escaping @Sendable (ResourceKey, Wanted) async -> Attempt
    ) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<count { group.addTask { await work(desired: desired, attempt: attempt) } }
        }
    }

    private func work(
        desired: any DesiredState, attempt: @escaping @Sendable (ResourceKey, Wanted) async -> Attempt
    ) async {
        await withDiscardingTaskGroup { retries in
            while let (key, since) = await queue.next() {
                let wanted = await desired.wanted(key)
                let result = wanted == .undecided ? .done(nil) : await attempt(key, wanted)
                if let delay = await settle(key, result, since: since, desired: desired), failures.beginRetry(key) {
                    retries.addTask { [queue, failures, clock] in
                        // It throws only when the workers stop, and then the queue takes nothing more.
                        try? await Task.sleep(for: delay, clock: clock)
                        failures.endRetry(key)
                        queue.add(key)
                    }
                }
                queue.done(key)
            }
            retries.cancelAll()
        }
    }

    /// - Returns: When to try again, if that is needed.
    private func settle(
        _ key: ResourceKey, _ attempt: Attempt, since: ContinuousClock.Instant, desired: any DesiredState
    ) async -> Duration? {
        var outcome: Receipt.Outcome?
        var delay: Duration?
        switch attempt {
        case .done(let change):
            outcome = change
            failures.reset(key)
        case .abandoned:
            break
        case .outdated:
            // The first time it is nearly always a race that the next look settles.
            let failed = failures.increment(key)
            delay = failed == 0 ? .zero : RetryBackoff.delay(afterFailures: failed, ceiling: 30)
        case .refused(let reason):
            delay = RetryBackoff.delay(afterFailures: failures.increment(key) + 2, ceiling: 300)
            outcome = .refused(reason: reason)
        case .failed(let reason, let retryAfter):
            let usual = RetryBackoff.delay(afterFailures: failures.increment(key), ceiling: 60)
            delay = max(usual, retryAfter ?? .zero)
            outcome = .failed(reason: reason)
        }
        if let outcome {
            let receipt = Receipt(key: key, delivery: name, outcome: outcome, elapsed: since.duration(to: .now))
            log(receipt, retryIn: delay)
            await desired.delivered(receipt)
        }
        return delay
    }

    private func log(_ receipt: Receipt, retryIn: Duration?) {
        var metadata: Logger.Metadata = ["resource": "\(receipt.key)"]
        // A server that is down fails every object, again and again; once an object is enough for a reader.
        let trouble: Logger.Level = failures.isNews(receipt) ? .error : .debug
        switch receipt.outcome {
        case .created, .updated, .deleted:
            metadata["after"] = "\(receipt.elapsed.formattedMilliseconds) ms"
        case .refused(let reason), .failed(let reason):
            metadata["reason"] = "\(reason)"
            metadata["retryIn"] = retryIn.map { "\($0.formattedMilliseconds) ms" }
        }
        switch receipt.outcome {
        case .created: logger.info("created a ServiceEntry", metadata: metadata)
        case .updated(let scope):
            metadata["push"] = "\(scope)"
            logger.info("updated a ServiceEntry", metadata: metadata)
        case .deleted: logger.info("deleted a ServiceEntry", metadata: metadata)
        case .refused: logger.log(level: trouble, "a ServiceEntry is refused", metadata: metadata)
        case .failed: logger.log(level: trouble, "a ServiceEntry could not be written", metadata: metadata)
        }
    }
}

/// How often in a row the delivery of a resource has failed, what was said of it, and which resources wait for another attempt.
/// One waits at a time for each resource, however often it is added meanwhile.
private final class Failures: Sendable {
    private struct Record {
        var count = 0
        var reported: Receipt.Outcome?
    }

    private struct State {
        var records: [ResourceKey: Record] = [:]
        var waiting: Set<ResourceKey> = []
    }

    private let state = Mutex(State())

    /// - Returns: The count before.
    func increment(_ key: ResourceKey) -> Int {
        state.withLock { state in
            defer { state.records[key, default: Record()].count += 1 }
            return state.records[key]?.count ?? 0
        }
    }

    /// Whether a failure is not what was last reported of the resource. Refusals differ by their reasons; the reasons of failures,
    /// which tell of connections and their like, would differ all the time.
    func isNews(_ receipt: Receipt) -> Bool {
        let outcome = if case .failed = receipt.outcome { Receipt.Outcome.failed(reason: "") } else { receipt.outcome }
        return state.withLock { state in
            guard state.records[receipt.key] != nil, state.records[receipt.key]?.reported != outcome else {
                return false
            }
            state.records[receipt.key]?.reported = outcome
            return true
        }
    }

    func reset(_ key: ResourceKey) {
        state.withLock { $0.records[key] = nil }
    }

    /// - Returns: Whether none was waiting.
    func beginRetry(_ key: ResourceKey) -> Bool {
        state.withLock { $0.waiting.insert(key).inserted }
    }

    func endRetry(_ key: ResourceKey) {
        _ = state.withLock { $0.waiting.remove(key) }
    }
}

/// Pauses between attempts: 0.5 s, doubling to a ceiling, the upper half of each at random.
package struct RetryBackoff: Sendable {
    private var failures = 0

    package init() {}

    package mutating func next() -> Duration {
        defer { failures += 1 }
        return Self.delay(afterFailures: failures, ceiling: 30)
    }

    /// - Parameters:
    ///   - failures: In a row, before the one that just happened.
    ///   - ceiling: Seconds.
    package static func delay(
        afterFailures failures: Int, ceiling: Double, jitter: Double = .random(in: 0.5...1)
    ) -> Duration {
        .seconds(min(0.5 * Double(1 << min(failures, 12)), ceiling) * jitter)
    }
}

extension Duration {
    /// With one decimal: `12.3`.
    package var formattedMilliseconds: String {
        let tenths = Int64(self / .microseconds(100))
        return "\(tenths / 10).\(tenths % 10)"
    }
}
