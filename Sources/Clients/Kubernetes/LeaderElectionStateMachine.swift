internal import Concurrency

/// Decides for one candidate when to read the lease, when to write it, and whether it leads. It does no I/O: its owner
/// performs the returned step and reports the outcome.
///
/// It uses its own monotonic time only. It ignores the time stamps in the lease: another candidate's lease has run out
/// when this one has seen no change in it for the lease's duration.
///
/// `LeaderElection.Handover` describes how an unfit candidate yields to a fit one.
struct LeaderElectionStateMachine: Sendable {
    /// The outcome of the last step.
    enum Input {
        /// The lease as it was read; `nil` when it does not exist.
        case lease(Lease?)
        case written(Lease)
        case failed(KubernetesError)
        case waited
    }

    /// The next thing to do.
    enum Step: Hashable {
        case read(within: Duration)
        case write(Lease.Write, within: Duration)
        case wait(Duration)
        case stop
    }

    /// The time in which the candidate leads. A renewal before its end prolongs it. A later success starts a term with
    /// another number.
    struct Term: Sendable, Hashable {
        var number: Int
        var end: Duration
    }

    /// The longest time for the release of the lease.
    static let releaseLimit = Duration.seconds(2)
    /// The time between two attempts to release the lease.
    static let releasePause = Duration.milliseconds(200)

    private enum State {
        case reading
        /// - since: when the step was returned, which is before the owner sent the write.
        /// - hasRead: whether the step before was a read of the lease.
        case writing(Lease.Write, since: Duration, hasRead: Bool)
        case waiting(until: Duration)
        case stopped
    }

    private let configuration: LeaderElection.Configuration
    private var random: any RandomNumberGenerator & Sendable
    private var state = State.reading
    private var backoff = Backoff.ofRequests
    private var terms = 0
    /// The last lease that was seen, and when its record was first seen.
    private var observed: (lease: Lease, since: Duration)?
    /// The newest version of the lease; `nil` when a newer one may exist.
    private var current: Lease?
    /// Whether this candidate may hold the lease although it has not seen that.
    private var mayHold = false
    /// The deadline of the release, once the candidate is stopped.
    private var releaseEnd: Duration?

    /// The present term: the candidate leads until its end. `nil` when the candidate does not lead.
    private(set) var term: Term?
    /// Why the last attempt failed; `nil` after a success.
    private(set) var interruption: KubernetesError?
    private var fitness = LeaderElection.Fitness.fit
    /// The fit candidate to which this candidate, which holds the lease, has yielded.
    private var successor: String?

    init(
        _ configuration: LeaderElection.Configuration,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.configuration = configuration
        self.random = random
    }

    /// The holder of the lease as far as this candidate knows.
    var holder: String? { observed?.lease.holder }

    /// How far a handover is, as seen by this candidate.
    enum HandoverStage: Hashable {
        /// This candidate holds the lease and offers it.
        case offered
        /// This candidate has claimed the lease of an unfit holder.
        case claimed(from: String)
        /// This candidate holds the lease, and has yielded to a fit candidate.
        case yielded(to: String)
    }

    var handover: HandoverStage? {
        guard let lease = observed?.lease, let holder else { return nil }
        if let successor { return .yielded(to: successor) }
        if holder == configuration.identity { return isOffered(lease) ? .offered : nil }
        return claimant(of: lease) == configuration.identity ? .claimed(from: holder) : nil
    }

    private func isOffered(_ lease: Lease) -> Bool { configuration.handover?.isOffered(lease) ?? false }

    private func claimant(of lease: Lease) -> String? { configuration.handover?.claimant(of: lease) }

    /// The step before any input.
    var firstStep: Step { .read(within: requestLimit) }

    /// - Parameter now: monotonic time since any fixed moment. It counts the time for which the machine is suspended.
    mutating func handle(_ input: Input, now: Duration, fitness: LeaderElection.Fitness = .fit) -> Step {
        self.fitness = fitness
        // This comes first: the process may have been stopped for any time before this call.
        if let term, now >= term.end { self.term = nil }
        switch (input, state) {
        case (.waited, .waiting(let end)):
            return now < end ? wait(until: end, now) : attempt(now)
        case (.lease(let lease), .reading):
            return take(lease, now)
        case (.written(let lease), .writing(let write, let since, _)):
            return wrote(lease, by: write, since: since, now)
        case (.failed(let error), .reading):
            return failed(error, now)
        case (.failed(let error), .writing(let write, _, let hasRead)):
            return failed(error, of: write, hasRead: hasRead, now)
        default:
            preconditionFailure("\(input) cannot be the outcome of a step taken in \(state)")
        }
    }

    /// Ends the candidacy, whatever the next step was. Only the release of the lease remains to be done.
    mutating func stop(now: Duration) -> Step {
        term = nil
        releaseEnd = now + Self.releaseLimit
        if let current, current.holder == configuration.identity {
            return write(.release(current), hasRead: false, now)
        }
        return mayHold ? read(now) : end()
    }

    // MARK: Steps

    private mutating func attempt(_ now: Duration) -> Step {
        if term != nil, let current, current.holder == configuration.identity {
            return write(.renew(current), hasRead: false, now)
        }
        return read(now)
    }

    private mutating func read(_ now: Duration) -> Step {
        state = .reading
        return .read(within: limit(now))
    }

    private mutating func write(_ write: Lease.Write, hasRead: Bool, _ now: Duration) -> Step {
        state = .writing(write, since: now, hasRead: hasRead)
        return .write(write, within: limit(now))
    }

    private mutating func wait(until end: Duration, _ now: Duration) -> Step {
        state = .waiting(until: end)
        // The end of the term must be noticed at once.
        return .wait(max(min(end, term?.end ?? end) - now, .zero))
    }

    private mutating func end() -> Step {
        state = .stopped
        return .stop
    }

    /// The longest time for one request, as in Kubernetes' own components: a lost request leaves time for another.
    private var requestLimit: Duration { configuration.renewDeadline / 2 }

    private func limit(_ now: Duration) -> Duration {
        max(min(requestLimit, (releaseEnd ?? term?.end ?? .seconds(Int64.max)) - now), .zero)
    }
}

// MARK: - Outcomes

extension LeaderElectionStateMachine {
    private mutating func take(_ lease: Lease?, _ now: Duration) -> Step {
        succeeded(lease)
        guard let lease else { return takeAbsence(now) }
        observe(lease, now)
        if lease.holder == configuration.identity {
            if releaseEnd != nil { return write(.release(lease), hasRead: true, now) }
            yield(lease, now)
            return successor == nil ? write(.renew(lease), hasRead: true, now) : pause(now)
        }
        if releaseEnd != nil { return end() }
        if let turn, now < turn {
            let mayClaim = fitness == .fit && isOffered(lease) && claimant(of: lease) == nil
            return mayClaim ? write(.claim(lease), hasRead: true, now) : pause(now)
        }
        return write(.acquire(lease), hasRead: true, now)
    }

    /// Stops leading where a fit candidate has claimed the lease and still has time to take it. A candidate that has
    /// yielded leads again only when it is fit itself, or when the claimant did not take the lease in its time.
    private mutating func yield(_ lease: Lease, _ now: Duration) {
        let isWilling = fitness == .unfit || successor != nil && fitness == .doubtful
        successor = isWilling ? claimant(of: lease) : nil
        if let turn, now >= turn { successor = nil }
        if successor != nil { term = nil }
    }

    private mutating func takeAbsence(_ now: Duration) -> Step {
        if releaseEnd != nil { return end() }
        // The deletion of the lease does not stop its holder.
        if term == nil, let turn, now < turn { return pause(now) }
        observed = nil
        successor = nil
        return write(.create, hasRead: true, now)
    }

    private mutating func wrote(_ lease: Lease, by write: Lease.Write, since: Duration, _ now: Duration) -> Step {
        succeeded(lease)
        observe(lease, now)
        if releaseEnd != nil { return end() }
        let end = since + configuration.renewDeadline
        if lease.holder == configuration.identity, now < end {
            if term == nil { terms += 1 }
            term = Term(number: terms, end: end)
        }
        return pause(now)
    }

    private mutating func succeeded(_ lease: Lease?) {
        current = lease
        mayHold = false
        interruption = nil
        backoff.reset()
    }

    private mutating func observe(_ lease: Lease, _ now: Duration) {
        observed = (lease, observed.flatMap { $0.lease.isSameRecord(as: lease) ? $0.since : nil } ?? now)
        // Another candidate took the lease against the rules. Two must not lead.
        if lease.holder == configuration.identity { return }
        term = nil
        successor = nil
    }

    /// The time from which this candidate may take the lease, or lead again after it has yielded; `nil` for at once.
    private var turn: Duration? {
        guard let (lease, since) = observed else { return nil }
        let end = since + (lease.duration ?? configuration.leaseDuration)
        if lease.holder == configuration.identity {
            // Other candidates see the last renewal at their next reading, up to 2.2 retry periods later.
            return successor.map { _ in end + configuration.retryPeriod * 3 }
        }
        let first = lease.holder == nil ? nil : end
        return shouldDefer(lease) ? (first ?? since) + configuration.leaseDuration : first
    }

    /// Whether this candidate leaves the lease to other candidates for one more lease duration.
    private func shouldDefer(_ lease: Lease) -> Bool {
        if let claimant = claimant(of: lease), claimant != configuration.identity { return fitness != .fit }
        // An offered lease that nobody has claimed has no fit candidate.
        return fitness == .unfit && !isOffered(lease)
    }

    private mutating func failed(_ error: KubernetesError, of write: Lease.Write, hasRead: Bool, _ now: Duration)
        -> Step
    {
        let isOutdated = [.conflict, .alreadyExists, .notFound].contains(error.code)
        guard isOutdated || error.isOutcomeUnknown else { return failed(error, now) }
        mayHold = error.isOutcomeUnknown && !write.isClaim || write.base?.holder == configuration.identity
        current = nil
        // The lease is not read at once when the server asks for a delay, or when it was read just before.
        guard !hasRead, error.retryAfter == nil else { return failed(error, now) }
        if !isOutdated { interruption = error }
        return releaseEnd.map { now >= $0 } ?? false ? end() : read(now)
    }

    private mutating func failed(_ error: KubernetesError, _ now: Duration) -> Step {
        let isLostRace = error.code == .conflict || error.code == .alreadyExists
        if !isLostRace { interruption = error }
        if let releaseEnd {
            let next = now + max(Self.releasePause, error.retryAfter ?? .zero)
            let mayRetry = isLostRace || (error.isTransient && error.code != .timedOut)
            return mayRetry && next < releaseEnd ? wait(until: next, now) : end()
        }
        var delay = error.retryAfter ?? .zero
        // A lasting failure, such as a missing permission, is retried less and less often.
        if !isLostRace, !error.isTransient, term == nil { delay = max(delay, backoff.next(using: &random)) }
        return pause(now, atLeast: min(delay, Backoff.ofRequests.longest))
    }

    /// Waits for the next attempt.
    private mutating func pause(_ now: Duration, atLeast minimum: Duration = .zero) -> Step {
        let period = configuration.retryPeriod
        if let term {
            // The leader tries once more before the end of its term, whatever delay the server asks for.
            return wait(until: min(now + max(period, minimum), max(term.end - period, now + period)), now)
        }
        let jitter = Double.random(in: 0...LeaderElection.Configuration.jitterFactor, using: &random)
        let next = now + max(period * (1 + jitter), minimum)
        // A lease that runs out before then is taken at once.
        let free = minimum > .zero ? nil : turn.flatMap { $0 > now ? $0 : nil }
        return wait(until: min(next, free ?? next), now)
    }
}
