/// Decides for one candidate when to read the lease, when to write it, and whether it leads. It does no I/O: its owner
/// performs the step it is told, and reports the outcome.
///
/// It knows monotonic time only, its own. Of another's lease it believes no time stamp: what counts is for how long it
/// has seen no change.
///
/// A candidate that is not fit to lead does so where nobody else will: it takes a lease later than others would, says in the lease that
/// it is unfit, and when one that is fit asks for it, leads no longer and lets the lease run out.
struct LeaderElectionStateMachine: Sendable {
    /// What became of the last step.
    enum Input {
        /// The lease as it was read; `nil` when there is none.
        case lease(Lease?)
        case written(Lease)
        case failed(KubernetesError)
        case waited
    }

    /// What to do next.
    enum Step: Hashable {
        case read(within: Duration)
        case write(Lease.Write, within: Duration)
        case wait(Duration)
        case stop
    }

    /// The time in which the candidate leads. Renewals that come in time prolong it; any other success begins one with
    /// another number.
    struct Term: Sendable, Hashable {
        var number: Int
        var end: Duration
    }

    /// How long the release of the lease may take.
    static let releaseLimit = Duration.seconds(2)
    /// The time between attempts to release it.
    static let releasePause = Duration.milliseconds(200)

    private enum State {
        case reading
        /// - since: when the owner was told to write, which is before it did.
        /// - hasRead: whether the lease was read just before.
        case writing(Lease.Write, since: Duration, hasRead: Bool)
        case waiting(until: Duration)
        case stopped
    }

    private let configuration: LeaderElection.Configuration
    private var random: any RandomNumberGenerator & Sendable
    private var state = State.reading
    private var backoff = Backoff()
    private var terms = 0
    /// The last record that was seen, and when it was first seen as it is.
    private var observed: (lease: Lease, since: Duration)?
    /// The newest version of the lease; `nil` when there may be a newer one.
    private var current: Lease?
    /// Whether the lease may be this candidate's although that was not seen.
    private var mayHold = false
    /// Until when the lease is to be released, once it is.
    private var releaseEnd: Duration?

    /// `nil` when the candidate does not lead; else it leads until the end of this term.
    private(set) var term: Term?
    /// What made the last attempt fail; `nil` after one that did not.
    private(set) var interruption: KubernetesError?
    private var fitness = LeaderElection.Fitness.fit
    /// The fit candidate for which this one, which holds the lease, leads no longer.
    private var successor: String?

    init(
        _ configuration: LeaderElection.Configuration,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.configuration = configuration
        self.random = random
    }

    /// Who holds the lease as far as this candidate knows.
    var holder: String? { observed?.lease.holder }

    /// What there is to tell of a lease that is to go to one that is fit.
    enum Handover: Hashable {
        case offered
        case asked(of: String)
        case left(to: String)
    }

    var handover: Handover? {
        guard let lease = observed?.lease, let holder else { return nil }
        if let successor { return .left(to: successor) }
        if holder == configuration.identity { return lease.isOffered ? .offered : nil }
        return lease.claimant == configuration.identity ? .asked(of: holder) : nil
    }

    /// The step before any input.
    var firstStep: Step { .read(within: requestLimit) }

    /// - Parameter now: monotonic time since any fixed moment, suspension of the machine included.
    mutating func handle(_ input: Input, now: Duration, fitness: LeaderElection.Fitness = .fit) -> Step {
        self.fitness = fitness
        // Before anything else: the process may have been stopped for any time before it came to this.
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

    /// Ends the candidacy, whatever step was to be next; what is left to do is to release the lease.
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
        // The end of the term must be noticed when it comes.
        return .wait(max(min(end, term?.end ?? end) - now, .zero))
    }

    private mutating func end() -> Step {
        state = .stopped
        return .stop
    }

    /// As in Kubernetes' own components, so that one lost request leaves time for another.
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
            leaveOff(lease, now)
            return successor == nil ? write(.renew(lease), hasRead: true, now) : pause(now)
        }
        if releaseEnd != nil { return end() }
        if let turn, now < turn {
            let mayClaim = fitness == .fit && lease.isOffered && lease.claimant == nil
            return mayClaim ? write(.claim(lease), hasRead: true, now) : pause(now)
        }
        return write(.acquire(lease), hasRead: true, now)
    }

    /// Leads no longer where a fit candidate waits for that and has not had its time yet. Who has left off goes back on it only when it is
    /// fit itself, or when that one has not come.
    private mutating func leaveOff(_ lease: Lease, _ now: Duration) {
        let isWilling = fitness == .unfit || successor != nil && fitness == .doubtful
        successor = isWilling ? lease.claimant : nil
        if let turn, now >= turn { successor = nil }
        if successor != nil { term = nil }
    }

    private mutating func takeAbsence(_ now: Duration) -> Step {
        if releaseEnd != nil { return end() }
        // Who deletes a lease does not stop its holder.
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
        // Somebody took the lease in spite of all rules: two must not lead.
        if lease.holder == configuration.identity { return }
        term = nil
        successor = nil
    }

    /// From when on this candidate may take the lease, or have it again; `nil` when at once.
    private var turn: Duration? {
        guard let (lease, since) = observed else { return nil }
        let end = since + (lease.duration ?? configuration.leaseDuration)
        if lease.holder == configuration.identity {
            // The others have seen the last renewal at their next look.
            return successor.map { _ in end + configuration.retryPeriod * 3 }
        }
        let first = lease.holder == nil ? nil : end
        return mustStandBack(lease) ? (first ?? since) + configuration.leaseDuration : first
    }

    /// Whether others should take the lease first.
    private func mustStandBack(_ lease: Lease) -> Bool {
        if let claimant = lease.claimant, claimant != configuration.identity { return fitness != .fit }
        // A lease that is offered, and that nobody asks for, has no fit candidate.
        return fitness == .unfit && !lease.isOffered
    }

    private mutating func failed(_ error: KubernetesError, of write: Lease.Write, hasRead: Bool, _ now: Duration)
        -> Step
    {
        let isOutdated = [.conflict, .alreadyExists, .notFound].contains(error.code)
        guard isOutdated || error.isOutcomeUnknown else { return failed(error, now) }
        mayHold = error.isOutcomeUnknown && !write.isClaim || write.base?.holder == configuration.identity
        current = nil
        // A server that asks for patience gets it, and one that has just been read is not read again.
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
        // A missing permission, for one, will not be there two seconds later.
        if !isLostRace, !error.isTransient, term == nil { delay = max(delay, backoff.next(using: &random)) }
        return pause(now, atLeast: min(delay, Backoff.longest))
    }

    /// Waits for the next attempt.
    private mutating func pause(_ now: Duration, atLeast minimum: Duration = .zero) -> Step {
        let period = configuration.retryPeriod
        if let term {
            // Whoever leads tries once more while there is time, whatever the server asks for.
            return wait(until: min(now + max(period, minimum), max(term.end - period, now + period)), now)
        }
        let jitter = Double.random(in: 0...LeaderElection.Configuration.jitterFactor, using: &random)
        let next = now + max(period * (1 + jitter), minimum)
        // Nor is a lease that runs out in between left for longer than it must be.
        let free = minimum > .zero ? nil : turn.flatMap { $0 > now ? $0 : nil }
        return wait(until: min(next, free ?? next), now)
    }
}
