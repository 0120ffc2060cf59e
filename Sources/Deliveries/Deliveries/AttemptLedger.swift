internal import IstioAPI

/// What became of the attempts, and what follows from it: repetitions, and pauses of all. A pure state machine.
struct AttemptLedger: Sendable {
    /// What follows from one attempt.
    struct Settlement {
        var outcome: Receipt.Outcome?
        /// When to try again; zero is at once.
        var retryIn: Duration?
        /// Whether a trouble is told for the first time.
        var isNews = false
        /// Until when somebody has to sleep, to see to repetitions.
        var sleepUntil: Duration?
        /// For how long all are to pause, where that is new.
        var pause: Duration?
    }

    /// A resource is looked at later.
    struct Postponement {
        /// Until when somebody has to sleep, to see to that.
        var sleepUntil: Duration?
    }

    /// More attempts than this that each meet something newer are more than a race.
    private static let longestRace = 5
    /// A server that names a longer time is asked sooner: it may be wrong, and one question does no harm.
    private static let longestPause = Duration.seconds(60)

    private var troubles = TroubleRegister()
    private var retries = RetrySchedule<ResourceKey>()
    /// Since when those wait that must not be written yet.
    private var postponed: [ResourceKey: ContinuousClock.Instant] = [:]
    private var pausedUntil = Duration.zero
    private var obstacles: [ResourceKind: (reason: String, since: Duration)] = [:]

    mutating func settle(_ key: ResourceKey, _ attempt: Attempt, now: Duration) -> Settlement {
        var settlement = Settlement()
        switch attempt {
        case .done(let change):
            settlement.outcome = change
            troubles.settled(key, now: now)
        case .waiting(let change, let retryAfter):
            settlement.outcome = change
            settlement.retryIn = retryAfter
            troubles.settled(key, now: now)
        case .standby:
            troubles.forget(key)
        case .abandoned:
            break
        case .outdated:
            // The first time it is nearly always a race that the next look settles.
            let isRace = troubles.failures(of: key) < Self.longestRace
            let reason = "it keeps being changed, or refused with a conflict, between a look at it and the write"
            let failures = troubles.failed(key, isRace ? nil : .failed, reason, now: now)
            if !isRace { settlement.outcome = .failed(reason: reason) }
            settlement.retryIn = failures == 0 ? .zero : RetryBackoff.delay(afterFailures: failures, ceiling: 30)
        case .refused(let reason):
            let failures = troubles.failed(key, .refused, reason, now: now)
            settlement.retryIn = RetryBackoff.delay(afterFailures: failures + 2, ceiling: 300)
            settlement.outcome = .refused(reason: reason)
        case .contested(let reason, let retryAfter):
            _ = troubles.failed(key, .contested, reason, now: now)
            settlement.retryIn = retryAfter
            settlement.outcome = .contested(reason: reason)
        case .failed(let reason, let retryAfter):
            let failures = troubles.failed(key, .failed, reason, now: now)
            let pause = min(retryAfter ?? .zero, Self.longestPause)
            settlement.retryIn = max(RetryBackoff.delay(afterFailures: failures, ceiling: 60), pause)
            settlement.outcome = .failed(reason: reason)
            settlement.pause = begin(pause, now: now)
        }
        if let outcome = settlement.outcome { settlement.isNews = troubles.isNews(key, outcome) }
        if let delay = settlement.retryIn, delay > .zero {
            settlement.sleepUntil = retries.set(key, at: now + delay)
        } else {
            retries.remove(key)
        }
        return settlement
    }

    /// A server that names a time means itself, not the one object that was the first to hear of it.
    private mutating func begin(_ pause: Duration, now: Duration) -> Duration? {
        let isNew = pausedUntil <= now && pause > .zero
        pausedUntil = max(pausedUntil, now + pause)
        return isNew ? pause : nil
    }

    /// For how long all pause.
    func pause(now: Duration) -> Duration? {
        now < pausedUntil ? pausedUntil - now : nil
    }

    // MARK: Pacing

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

    mutating func note(_ obstacle: String?, of kind: ResourceKind, now: Duration) {
        obstacles[kind] = obstacle.map { ($0, obstacles[kind]?.since ?? now) }
    }

    /// The first one for ServiceEntries, without which there is nothing.
    func obstacle(now: Duration) -> Obstacle? {
        let first = obstacles.min { $0.key < $1.key }?.value
        return first.map { Obstacle(reason: $0.reason, age: now - $0.since) }
    }

    func troubles(now: Duration) -> [Trouble] {
        troubles.troubles(now: now) { retries[$0] }
    }
}
