internal import Concurrency
internal import IstioAPI

/// What became of the attempts, and what follows: repetitions, and pauses of all. A pure state machine.
struct AttemptLedger: Sendable {
    /// What follows from one attempt.
    struct Settlement {
        var outcome: Receipt.Outcome?
        /// When to try again; zero is at once.
        var retryIn: Duration?
        /// Whether a failure is reported for the first time.
        var isNews = false
        /// Until when a task has to sleep for the sake of repetitions.
        var sleepUntil: Duration?
        /// For how long all workers pause, where that is new.
        var pause: Duration?
    }

    /// A resource is looked at later.
    struct Postponement {
        /// Until when a task has to sleep for that.
        var sleepUntil: Duration?
    }

    /// After this many attempts that each met something newer, it is more than a race.
    private static let longestRace = 5
    /// A server that names a longer time is asked after this one: the server may be wrong, and one request does no
    /// harm.
    private static let longestPause = Duration.seconds(60)

    private static let backoff = Backoff(from: .milliseconds(500), to: .seconds(60))
    /// An object that keeps being changed is looked at more often than one that a server fails to write.
    private static let raceBackoff = Backoff(from: .milliseconds(500), to: .seconds(30))
    /// Only a change of the cluster helps, and nothing may tell of it.
    private static let refusalBackoff = Backoff(from: .seconds(2), to: .seconds(300))

    private var failures = FailureRegister()
    private var retries = RetrySchedule<ResourceKey>()
    /// Since when each resource waits that must not be written yet.
    private var postponed: [ResourceKey: ContinuousClock.Instant] = [:]
    private var pausedUntil = Duration.zero
    private var conditions: [ResourceKind: (reason: String, since: Duration)] = [:]

    mutating func settle(_ key: ResourceKey, _ attempt: Attempt, now: Duration) -> Settlement {
        var settlement = Settlement()
        switch attempt {
        case .done(let change):
            settlement.outcome = change
            failures.settled(key, now: now)
        case .waiting(let change, let retryAfter):
            settlement.outcome = change
            settlement.retryIn = retryAfter
            failures.settled(key, now: now)
        case .standby:
            failures.forget(key)
        case .abandoned, .held:
            break
        case .outdated:
            // The first time is nearly always a race that the next look settles.
            let isRace = failures.failures(of: key) < Self.longestRace
            let reason = "it keeps being changed, or refused with a conflict, between a look at it and the write"
            let count = failures.failed(key, isRace ? nil : .failed, reason, now: now)
            if !isRace { settlement.outcome = .failed(reason: reason) }
            settlement.retryIn = count == 0 ? .zero : Self.raceBackoff.delay(afterFailures: count)
        case .refused(let reason):
            let count = failures.failed(key, .refused, reason, now: now)
            settlement.retryIn = Self.refusalBackoff.delay(afterFailures: count)
            settlement.outcome = .refused(reason: reason)
        case .fieldConflict(let reason, let retryAfter):
            _ = failures.failed(key, .fieldConflict, reason, now: now)
            settlement.retryIn = retryAfter
            settlement.outcome = .fieldConflict(reason: reason)
        case .failed(let reason, let retryAfter):
            let count = failures.failed(key, .failed, reason, now: now)
            let pause = min(retryAfter ?? .zero, Self.longestPause)
            settlement.retryIn = max(Self.backoff.delay(afterFailures: count), pause)
            settlement.outcome = .failed(reason: reason)
            settlement.pause = begin(pause, now: now)
        }
        if let outcome = settlement.outcome { settlement.isNews = failures.isNews(key, outcome) }
        if let delay = settlement.retryIn, delay > .zero {
            settlement.sleepUntil = retries.set(key, at: now + delay)
        } else {
            retries.remove(key)
        }
        return settlement
    }

    /// A server that names a time wants a pause of all requests, not only of the object whose request it answered.
    private mutating func begin(_ pause: Duration, now: Duration) -> Duration? {
        let isNew = pausedUntil <= now && pause > .zero
        pausedUntil = max(pausedUntil, now + pause)
        return isNew ? pause : nil
    }

    /// For how long all workers pause.
    func pause(now: Duration) -> Duration? {
        now < pausedUntil ? pausedUntil - now : nil
    }

    // MARK: Resources that wait for their pacing

    var postponedCount: Int { postponed.count }

    /// Puts off the look at a resource until it may be written.
    /// - Parameter time: When that is.
    mutating func postpone(_ key: ResourceKey, since: ContinuousClock.Instant, until time: Duration) -> Postponement {
        postponed[key] = min(postponed[key] ?? since, since)
        return Postponement(sleepUntil: retries.set(key, at: time))
    }

    /// A resource is looked at.
    /// - Returns: Since when it waits, if it was put off.
    mutating func begin(_ key: ResourceKey) -> ContinuousClock.Instant? { postponed.removeValue(forKey: key) }

    mutating func wake(_ time: Duration, now: Duration) -> (due: [ResourceKey], next: Duration?) {
        retries.wake(time, now: now)
    }

    mutating func note(_ condition: String?, of kind: ResourceKind, now: Duration) {
        conditions[kind] = condition.map { ($0, conditions[kind]?.since ?? now) }
    }

    /// The condition of ServiceEntries first: without them nothing is delivered.
    func condition(now: Duration) -> DeliveryCondition? {
        let first = conditions.min { $0.key < $1.key }?.value
        return first.map { DeliveryCondition(reason: $0.reason, age: now - $0.since) }
    }

    var failureCount: Int { failures.count }

    func failures(now: Duration) -> [ResourceFailure] {
        failures.failures(now: now) { retries[$0] }
    }
}
