import JSON
import Testing

@testable import Kubernetes

/// Simulates several candidates, one lease, and random faults, in a time that only the test advances.
private struct Simulation {
    private enum Event {
        /// A request arrives at the server. Its sender may no longer wait for the answer.
        case arrival(LeaderElectionStateMachine.Step, body: JSONValue?, reply: Reply)
        case outcome(LeaderElectionStateMachine.Input)
        case cancellation
    }

    private enum Reply { case comes(Duration), isLost, claimsFailure(Duration) }

    private struct Candidate {
        var configuration: LeaderElection.Configuration
        var machine: LeaderElectionStateMachine
        /// The reading of the candidate's clock at the start.
        var offset: Duration
        /// The number of the present step. The outcome of an earlier step is ignored.
        var step = 0
        var isWaiting = false
        var isStopping = false
        var pausedUntil = Duration.zero
        var fitness = LeaderElection.Fitness.fit

        func isLeading(at time: Duration) -> Bool { machine.term.map { time + offset < $0.end } ?? false }
    }

    private struct Scheduled {
        var time: Duration
        var candidate: Int
        var step: Int
        var event: Event
    }

    private var random: SeededGenerator
    private var time = Duration.zero
    private var events: [Scheduled] = []
    private var candidates: [Candidate] = []
    private var lease: JSONValue?
    private var version = 0
    private var isFaulty = true
    private(set) var holders: Set<String> = []

    init(seed: UInt64, candidates count: Int) {
        random = SeededGenerator(seed: seed)
        for index in 0..<count {
            candidates.append(newCandidate())
            begin(index)
        }
    }

    var leaders: [String] { candidates.filter { $0.isLeading(at: time) }.map(\.configuration.identity) }

    /// Whether no unfit candidate leads while a fit one exists.
    var isWellLed: Bool {
        candidates.contains { $0.isLeading(at: time) && $0.fitness != .unfit }
            || candidates.allSatisfy { $0.fitness != .fit }
    }

    /// - Returns: whether there was never more than one leader.
    mutating func run(for duration: Duration, faults: Bool) -> Bool {
        isFaulty = faults
        let end = time + duration
        while let index = events.indices.min(by: { events[$0].time < events[$1].time }), events[index].time <= end {
            let scheduled = events.remove(at: index)
            time = max(time, scheduled.time)
            take(scheduled)
            if leaders.count > 1 { return false }
            holders.formUnion(leaders)
        }
        time = end
        return true
    }

    // MARK: Candidates

    private mutating func newCandidate() -> Candidate {
        var configuration = LeaderElection.Configuration.sample("\(UInt64.random(in: 0 ... .max, using: &random))")
        if chance(30) {
            configuration.leaseDuration = .seconds(6)
            configuration.renewDeadline = .seconds(5)
            configuration.retryPeriod = .seconds(1)
        }
        return Candidate(
            configuration: configuration,
            machine: LeaderElectionStateMachine(
                configuration, random: SeededGenerator(seed: .random(in: 0 ... .max, using: &random))),
            offset: .seconds(Int.random(in: 0...1_000_000, using: &random)), fitness: anyFitness())
    }

    private mutating func anyFitness() -> LeaderElection.Fitness {
        [.fit, .doubtful, .unfit].randomElement(using: &random) ?? .fit
    }

    private mutating func begin(_ index: Int) {
        perform(candidates[index].machine.firstStep, index)
        // Each lives for up to five minutes, and is then stopped or killed.
        schedule(.cancellation, index, after: between(0, 300_000), step: .max)
    }

    private mutating func take(_ scheduled: Scheduled) {
        let index = scheduled.candidate
        if case .arrival(let step, let body, let reply) = scheduled.event {
            return arrive(step, body, reply, index, scheduled.step)
        }
        if isFaulty, chance(2) { candidates[index].fitness = anyFitness() }
        if time < candidates[index].pausedUntil {
            var later = scheduled
            later.time = candidates[index].pausedUntil
            return events.append(later)
        }
        let now = time + candidates[index].offset
        switch scheduled.event {
        case .outcome(let input) where scheduled.step == candidates[index].step:
            perform(candidates[index].machine.handle(input, now: now, fitness: candidates[index].fitness), index)
        case .cancellation where !candidates[index].isStopping:
            guard isFaulty else { return }
            if chance(50) { return replace(index) }
            let input: LeaderElectionStateMachine.Input =
                candidates[index].isWaiting
                ? .waited
                : .failed(KubernetesError(code: .cancelled, message: "", isOutcomeUnknown: true))
            _ = candidates[index].machine.handle(input, now: now)
            candidates[index].isStopping = true
            perform(candidates[index].machine.stop(now: now), index)
        default:
            return
        }
        if isFaulty, chance(3) { candidates[index].pausedUntil = time + between(0, 40_000) }
    }

    private mutating func replace(_ index: Int) {
        let step = candidates[index].step
        candidates[index] = newCandidate()
        candidates[index].step = step + 1
        begin(index)
    }

    private mutating func perform(_ step: LeaderElectionStateMachine.Step, _ index: Int) {
        candidates[index].step += 1
        candidates[index].isWaiting = false
        switch step {
        case .wait(let delay):
            candidates[index].isWaiting = true
            schedule(.outcome(.waited), index, after: delay)
        case .stop:
            replace(index)
        case .read(let limit):
            send(step, body: nil, within: limit, index)
        case .write(let write, let limit):
            // The wall clock shows a random time.
            let body = candidates[index].configuration.body(
                of: write, at: between(0, 1_000_000), fitness: candidates[index].fitness)
            send(step, body: body, within: limit, index)
        }
    }

    private mutating func send(
        _ step: LeaderElectionStateMachine.Step, body: JSONValue?, within limit: Duration, _ index: Int
    ) {
        schedule(
            .outcome(.failed(KubernetesError(code: .timedOut, message: "", isOutcomeUnknown: body != nil))), index,
            after: limit)
        if isFaulty, chance(3) { return }
        if isFaulty, chance(3) {
            return schedule(
                .outcome(
                    .failed(
                        KubernetesError(code: .tooManyRequests, message: "", retryAfter: between(0, 20_000)))),
                index, after: delay())
        }
        let reply: Reply =
            !isFaulty ? .comes(delay()) : chance(3) ? .isLost : chance(3) ? .claimsFailure(delay()) : .comes(delay())
        schedule(.arrival(step, body: body, reply: reply), index, after: delay())
    }

    // MARK: The server

    private mutating func arrive(
        _ step: LeaderElectionStateMachine.Step, _ body: JSONValue?, _ reply: Reply, _ index: Int, _ number: Int
    ) {
        let input = answer(step, body)
        switch reply {
        case .comes(let delay): schedule(.outcome(input), index, after: delay, step: number)
        case .isLost: break
        case .claimsFailure(let delay):
            schedule(
                .outcome(.failed(KubernetesError(code: .serverError, message: "", isOutcomeUnknown: body != nil))),
                index, after: delay, step: number)
        }
        // Another client labels the lease.
        if isFaulty, chance(5), let labelled = lease { store(labelled) }
    }

    private mutating func answer(
        _ step: LeaderElectionStateMachine.Step, _ body: JSONValue?
    ) -> LeaderElectionStateMachine.Input {
        let current = lease.flatMap { APIObject($0) }.map { Lease(object: $0) }
        guard case .write(let write, _) = step, let body else { return .lease(current) }
        guard write.base?.object.metadata.resourceVersion == current?.object.metadata.resourceVersion else {
            return .failed(KubernetesError(code: write.base == nil ? .alreadyExists : .conflict, message: ""))
        }
        store(body)
        return lease.flatMap { APIObject($0) }.map { .written(Lease(object: $0)) } ?? .lease(nil)
    }

    private mutating func store(_ object: JSONValue) {
        version += 1
        lease = object.applying(mergePatch: ["metadata": ["resourceVersion": .string("\(version)"), "uid": "u"]])
    }

    // MARK: Chance

    private mutating func schedule(_ event: Event, _ index: Int, after delay: Duration, step: Int? = nil) {
        events.append(
            Scheduled(time: time + delay, candidate: index, step: step ?? candidates[index].step, event: event))
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func between(_ low: Int, _ high: Int) -> Duration {
        .milliseconds(Int.random(in: low...high, using: &random))
    }

    /// The delay of a request or of its answer.
    private mutating func delay() -> Duration { isFaulty && chance(5) ? between(0, 20_000) : between(0, 100) }
}

@Suite("Candidates for one lease")
struct LeaderElectionPropertyTests {
    @Test(
        "two never lead at a time, whatever fails, and a fit one leads when the faults end",
        arguments: (0..<40).map { _ in UInt64.random(in: 0 ... .max) } + [1, 2, 3])
    func exclusion(seed: UInt64) {
        var simulation = Simulation(seed: seed, candidates: 2 + Int(seed % 3))
        let isExclusive = simulation.run(for: .seconds(1800), faults: true)
        #expect(isExclusive, "two lead: \(simulation.leaders)")
        #expect(simulation.holders.count > 1)
        let staysExclusive = simulation.run(for: .seconds(120), faults: false)
        #expect(staysExclusive, "two lead: \(simulation.leaders)")
        #expect(simulation.leaders.count == 1)
        #expect(simulation.isWellLed)
    }
}
