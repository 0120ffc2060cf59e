import JSON
import Testing

@testable import Kubernetes

@Suite("The state machine of a candidate")
struct LeaderElectionStateMachineTests {
    /// A candidate named `me` with its clock.
    private struct Bench {
        var machine = LeaderElectionStateMachine(.sample(), random: SeededGenerator(seed: 1))
        var now = Duration.seconds(1000)
        var fitness = LeaderElection.Fitness.fit
        var step = LeaderElectionStateMachine(.sample()).firstStep

        mutating func send(_ input: LeaderElectionStateMachine.Input, after time: Duration = .zero) {
            now += time
            step = machine.handle(input, now: now, fitness: fitness)
        }

        mutating func sees(_ lease: Lease?, after time: Duration = .zero) { send(.lease(lease), after: time) }

        mutating func fails(
            _ code: KubernetesError.Code, after time: Duration = .zero, retryAfter: Duration? = nil,
            isOutcomeUnknown: Bool = false
        ) {
            send(
                .failed(
                    KubernetesError(
                        code: code, message: "test", retryAfter: retryAfter, isOutcomeUnknown: isOutcomeUnknown)),
                after: time)
        }

        /// Waits for the time that the machine asked for.
        mutating func waits() throws { send(.waited, after: try #require(delay)) }

        var delay: Duration? { if case .wait(let delay) = step { delay } else { nil } }
        var write: Lease.Write? { if case .write(let write, _) = step { write } else { nil } }
        var reads: Bool { if case .read = step { true } else { false } }
        var limit: Duration? {
            switch step {
            case .read(let limit), .write(_, let limit): limit
            default: nil
            }
        }
        /// Whether the candidate leads, as its owner computes it.
        var isLeading: Bool { machine.term.map { now < $0.end } ?? false }
    }

    /// A candidate that began to lead at 1000 s, and waits.
    private func leading(_ mine: Lease? = nil) throws -> Bench {
        var bench = Bench()
        bench.sees(nil)
        bench.send(.written(try mine ?? lease("me")))
        #expect(bench.isLeading)
        return bench
    }

    // MARK: Acquiring

    @Test("creates a missing lease, and its term counts from the sending of the request")
    func absentLease() throws {
        var bench = Bench()
        #expect(bench.step == .read(within: .seconds(5)))
        bench.sees(nil)
        #expect(bench.step == .write(.create, within: .seconds(5)))
        #expect(!bench.isLeading)
        bench.send(.written(try lease("me")), after: .seconds(3))
        #expect(bench.isLeading)
        #expect(bench.machine.term == .init(number: 1, end: .seconds(1010)))
        #expect(bench.machine.holder == "me")
        #expect(bench.delay == .seconds(2))
    }

    @Test("takes a lease that its holder released, at once")
    func freeLease() throws {
        var bench = Bench()
        let free = try lease(nil, transitions: 3, duration: 1)
        bench.sees(free)
        #expect(bench.write == .acquire(free))
        #expect(bench.machine.holder == nil)
    }

    @Test("leaves the lease to another holder, and reads it again after 1 to 2.2 retry periods")
    func heldLease() throws {
        var bench = Bench()
        for renewal in 0..<100 {
            bench.sees(try lease("other", renewal: renewal))
            #expect(bench.machine.holder == "other")
            #expect((Duration.seconds(2) ... .seconds(4.4)).contains(try #require(bench.delay)))
            try bench.waits()
            #expect(bench.reads)
        }
        #expect(!bench.isLeading)
    }

    @Test("takes another's lease when it has seen it unchanged for the lease's own duration, and not before")
    func expiry() throws {
        var bench = Bench()
        let abandoned = try lease("other", duration: 30)
        bench.sees(abandoned)
        while bench.now < .seconds(1030) {
            try bench.waits()
            #expect(bench.reads)
            let before = bench.now
            // Its labels may change. That is no renewal.
            bench.sees(try lease("other", version: "\(before)", duration: 30, labels: ["seen": "\(before)"]))
            #expect((bench.write == nil) == (before < .seconds(1030)))
        }
        // It reads the lease when it runs out, and no later.
        #expect(bench.now == .seconds(1030))
        #expect(bench.write?.base?.holder == "other")
    }

    @Test("counts again from each change, however old the times in the lease are")
    func renewedByOther() throws {
        var bench = Bench()
        bench.sees(try lease("other", renewal: 1))
        try bench.waits()
        bench.sees(try lease("other", renewal: 0), after: .seconds(12))
        let seen = bench.now
        try bench.waits()
        while bench.now < seen + .seconds(15) {
            bench.sees(try lease("other", renewal: 0))
            if bench.write == nil { try bench.waits() }
        }
        #expect(bench.now == seen + .seconds(15))
    }

    @Test("counts again when the lease was deleted and created again with the same content")
    func recreatedByOther() throws {
        var bench = Bench()
        bench.sees(try lease("other"))
        try bench.waits()
        bench.sees(try lease("other", uid: "second"), after: .seconds(14))
        #expect(bench.write == nil)
    }

    @Test("waits for its own lease duration when another holder's lease has none")
    func malformedDuration() throws {
        var bench = Bench()
        let malformed = try lease(spec: ["holderIdentity": "other", "leaseDurationSeconds": "a while"])
        bench.sees(malformed)
        try bench.waits()
        bench.sees(malformed, after: .seconds(1014) - bench.now)
        #expect(bench.delay == .seconds(1))
        try bench.waits()
        bench.sees(malformed)
        #expect(bench.write == .acquire(malformed))
    }

    @Test("takes a lease in which no holder can be read")
    func malformedHolder() throws {
        var bench = Bench()
        let malformed = try lease(spec: ["holderIdentity": 7])
        bench.sees(malformed)
        #expect(bench.write == .acquire(malformed))
    }

    @Test("does not create a lease in place of one that was deleted while its holder led")
    func deletedWhileHeld() throws {
        var bench = Bench()
        bench.sees(try lease("other"))
        try bench.waits()
        bench.sees(nil)
        #expect(bench.write == nil)
        while bench.now < .seconds(1015) {
            try bench.waits()
            bench.sees(nil)
        }
        #expect(bench.now == .seconds(1015))
        #expect(bench.write == .create)
    }

    @Test("goes on as a candidate when another was faster", arguments: [false, true])
    func lostRace(isCreation: Bool) throws {
        var bench = Bench()
        bench.sees(isCreation ? nil : try lease(nil))
        bench.fails(isCreation ? .alreadyExists : .conflict)
        #expect(!bench.isLeading)
        #expect(bench.machine.interruption == nil)
        #expect((Duration.seconds(2) ... .seconds(4.4)).contains(try #require(bench.delay)))
        try bench.waits()
        #expect(bench.reads)
    }

    @Test("finds itself in the lease after an acquisition whose answer was lost, and renews it")
    func unknownAcquisition() throws {
        var bench = Bench()
        bench.sees(try lease(nil))
        bench.fails(.timedOut, after: .seconds(5), isOutcomeUnknown: true)
        #expect(!bench.isLeading)
        try bench.waits()
        let mine = try lease("me", version: "2")
        bench.sees(mine)
        #expect(!bench.isLeading)
        #expect(bench.write == .renew(mine))
        let sent = bench.now
        bench.send(.written(try lease("me", version: "3", renewal: 2)), after: .seconds(1))
        #expect(bench.machine.term?.end == sent + .seconds(10))
    }

    @Test("does not lead on an answer that comes when the term would be over")
    func lateAcquisition() throws {
        var bench = Bench()
        bench.sees(nil)
        bench.send(.written(try lease("me")), after: .seconds(10))
        #expect(!bench.isLeading)
        try bench.waits()
        bench.sees(try lease("me"))
        #expect(bench.write == .renew(try lease("me")))
    }

    // MARK: Leading

    @Test("renews each retry period without reading first, and leads on from when it asked to")
    func renewal() throws {
        var bench = try leading()
        for renewal in 2...20 {
            try bench.waits()
            #expect(bench.write?.base?.object.metadata.resourceVersion == "\(renewal - 1)")
            let sent = bench.now
            bench.send(
                .written(try lease("me", version: "\(renewal)", renewal: renewal)), after: .milliseconds(300))
            #expect(bench.machine.term == .init(number: 1, end: sent + .seconds(10)))
            #expect(bench.delay == .seconds(2))
        }
    }

    @Test("stops leading at its deadline, tries until then, and stays a candidate")
    func lostByDeadline() throws {
        var bench = try leading()
        var attempts = 0
        while bench.machine.term != nil {
            #expect(bench.isLeading)
            try bench.waits()
            guard bench.machine.term != nil else { break }
            #expect(try #require(bench.limit) <= .seconds(1010) - bench.now)
            bench.fails(.unreachable)
            attempts += 1
        }
        #expect(bench.now == .seconds(1010))
        #expect(attempts == 4)
        #expect(bench.machine.interruption?.code == .unreachable)
        #expect(bench.reads)
        // Nobody else took it in the meantime.
        bench.sees(try lease("me"))
        #expect(bench.write == .renew(try lease("me")))
        bench.send(.written(try lease("me", version: "2", renewal: 2)))
        #expect(bench.machine.term == .init(number: 2, end: .seconds(1020)))
        #expect(bench.machine.interruption == nil)
    }

    @Test("gives no request more time than the term has left")
    func requestLimits() throws {
        var bench = try leading()
        try bench.waits()
        #expect(bench.limit == .seconds(5))
        bench.fails(.timedOut, after: .seconds(5), isOutcomeUnknown: true)
        #expect(bench.step == .read(within: .seconds(3)))
        bench.sees(try lease("me", version: "2", renewal: 2), after: .seconds(1))
        #expect(bench.limit == .seconds(2))
        bench.fails(.timedOut, after: .seconds(2), isOutcomeUnknown: true)
        #expect(bench.machine.term == nil)
    }

    @Test("reads the lease again at once after a renewal whose outcome is unknown, and renews what it finds")
    func unknownRenewal() throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.connectionLost, isOutcomeUnknown: true)
        #expect(bench.reads)
        let renewed = try lease("me", version: "2", renewal: 2)
        bench.sees(renewed)
        #expect(bench.isLeading)
        #expect(bench.write == .renew(renewed))
    }

    @Test("reads the lease again when somebody changed it, and renews it with that")
    func changedByOther() throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.conflict)
        #expect(bench.reads)
        let labelled = try lease("me", version: "5", labels: ["a": "b"])
        bench.sees(labelled)
        #expect(bench.write == .renew(labelled))
        // Once a round is enough.
        bench.fails(.conflict)
        #expect(bench.delay == .seconds(2))
        try bench.waits()
        #expect(bench.reads)
    }

    @Test("stops leading as soon as it sees another holder in the lease")
    func takenOver() throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.conflict)
        #expect(bench.isLeading)
        bench.sees(try lease("thief", version: "5"))
        #expect(bench.machine.term == nil)
        #expect(bench.machine.holder == "thief")
        try bench.waits()
        #expect(bench.reads)
    }

    @Test(
        "makes the lease anew when it was deleted under it",
        arguments: [.notFound, .conflict] as [KubernetesError.Code], [.fit, .unfit] as [LeaderElection.Fitness])
    func deletedUnderLeader(code: KubernetesError.Code, fitness: LeaderElection.Fitness) throws {
        var bench = try leading()
        bench.fitness = fitness
        try bench.waits()
        bench.fails(code)
        bench.sees(nil)
        #expect(bench.write == .create)
        bench.send(.written(try lease("me", uid: "second")))
        #expect(bench.machine.term == .init(number: 1, end: .seconds(1012)))
    }

    @Test("waits as long as the server asks for, but not past its last chance to renew")
    func retryAfter() throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.tooManyRequests, retryAfter: .seconds(3))
        #expect(bench.delay == .seconds(3))
        try bench.waits()
        // It was not carried out, so that the version is still the newest.
        #expect(bench.write == .renew(try lease("me")))
        bench.fails(.tooManyRequests, retryAfter: .seconds(30))
        #expect(bench.delay == .seconds(3))
        try bench.waits()
        #expect(bench.now == .seconds(1008))
        bench.send(.written(try lease("me", version: "2", renewal: 2)))
        #expect(bench.machine.term == .init(number: 1, end: .seconds(1018)))
    }

    @Test("does not read at once what a server that asks for patience refused")
    func unavailable() throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.unavailable, retryAfter: .seconds(1), isOutcomeUnknown: true)
        #expect(bench.delay == .seconds(2))
        try bench.waits()
        #expect(bench.reads)
    }

    // MARK: Stopped and woken

    @Test("stops leading when the process was stopped during a wait, before anything else")
    func pausedWaiting() throws {
        var bench = try leading()
        bench.now += .seconds(30)
        #expect(!bench.isLeading)
        bench.send(.waited)
        #expect(bench.machine.term == nil)
        #expect(bench.reads)
        bench.sees(try lease("other", version: "9", transitions: 1))
        #expect(bench.machine.holder == "other")
        #expect(bench.write == nil)
    }

    @Test("begins a term of another number when the answer to a renewal comes after the old term's end")
    func pausedRenewing() throws {
        var bench = try leading()
        try bench.waits()
        bench.send(.written(try lease("me", version: "2", renewal: 2)), after: .seconds(9))
        #expect(bench.machine.term == .init(number: 2, end: .seconds(1012)))
    }

    @Test("does not lead on an answer that waited for it longer than the term that it gives")
    func pausedForLong() throws {
        var bench = try leading()
        try bench.waits()
        bench.send(.written(try lease("me", version: "2", renewal: 2)), after: .seconds(30))
        #expect(bench.machine.term == nil)
    }

    // MARK: Failures

    @Test("asks less and less often while it lacks the permission, and as usual when it has it")
    func forbidden() throws {
        var bench = Bench()
        var delays: [Duration] = []
        for _ in 0..<10 {
            bench.fails(.forbidden)
            #expect(bench.machine.interruption?.code == .forbidden)
            delays.append(try #require(bench.delay))
            try bench.waits()
            #expect(bench.reads)
        }
        #expect(delays[0] <= .seconds(4.4))
        #expect(delays.suffix(4).allSatisfy { (.seconds(15) ... .seconds(30)).contains($0) })
        bench.sees(try lease("other"))
        #expect(bench.machine.interruption == nil)
        try bench.waits()
        bench.fails(.forbidden)
        #expect(try #require(bench.delay) <= .seconds(4.4))
    }

    @Test("tries a server that cannot be reached at the usual pace")
    func unreachable() throws {
        var bench = Bench()
        for _ in 0..<20 {
            bench.fails(.unreachable)
            #expect((Duration.seconds(2) ... .seconds(4.4)).contains(try #require(bench.delay)))
            try bench.waits()
        }
    }

    // MARK: Fitness

    private static let unfit = [handoverAnnotations.offer: "true"]

    @Test("offers the lease while it is unfit, and leaves the annotations of others alone")
    func unfitHolder() throws {
        let configuration = LeaderElection.Configuration.sample()
        let before = try lease("me", annotations: ["theirs": "1", handoverAnnotations.claim: "other"])
        let unfit = configuration.body(of: .renew(before), at: .seconds(1), fitness: .unfit)
        #expect(unfit["metadata"]?["annotations"]?.strings == ["theirs": "1", handoverAnnotations.offer: "true"])
        let marked = Lease(object: try #require(APIObject(unfit)))
        #expect(handoverAnnotations.isOffered(marked))
        for write in [Lease.Write.renew(marked), .release(marked), .acquire(marked)] {
            let body = configuration.body(of: write, at: .seconds(2))
            #expect(body["metadata"]?["annotations"]?.strings == ["theirs": "1"])
            let unfit = configuration.body(of: write, at: .seconds(2), fitness: .unfit)
            #expect(unfit["metadata"]?["annotations"]?.strings == ["theirs": "1", handoverAnnotations.offer: "true"])
        }
        // The claim stays: the claimant is to take the lease.
        let released = configuration.body(of: .release(before), at: .seconds(2), fitness: .unfit)
        #expect(released["metadata"]?["annotations"]?[handoverAnnotations.claim] == "other")
    }

    @Test("a claim leaves the lease to its holder, and is no renewal")
    func claim() throws {
        let before = try lease("other", annotations: Self.unfit)
        let claim = LeaderElection.Configuration.sample().body(of: .claim(before), at: .seconds(1))
        let claimed = Lease(object: try #require(APIObject(claim)))
        #expect(handoverAnnotations.claimant(of: claimed) == "me")
        #expect(handoverAnnotations.isOffered(claimed))
        #expect(claimed.isSameRecord(as: before))
    }

    @Test("claims the lease of an unfit holder once, and takes it when it has run out")
    func claimant() throws {
        var bench = Bench()
        let offered = try lease("other", annotations: Self.unfit)
        bench.sees(offered)
        #expect(bench.write == .claim(offered))
        let claimed = try lease(
            "other", version: "2", annotations: Self.unfit.merging([handoverAnnotations.claim: "me"]) { $1 })
        bench.send(.written(claimed))
        #expect(!bench.isLeading)
        var waited = Duration.zero
        while let delay = bench.delay {
            #expect(waited < .seconds(15))
            waited += delay
            try bench.waits()
            bench.sees(claimed)
        }
        #expect(waited == .seconds(15))
        #expect(bench.write == .acquire(claimed))
    }

    @Test("claims nothing while it is not fit, while another candidate has claimed, and while the holder is not unfit")
    func noClaim() throws {
        var bench = Bench()
        bench.sees(try lease("other"))
        #expect(bench.delay != nil)
        try bench.waits()
        bench.sees(try lease("other", annotations: Self.unfit.merging([handoverAnnotations.claim: "third"]) { $1 }))
        #expect(bench.delay != nil)
        for fitness in [LeaderElection.Fitness.doubtful, .unfit] {
            bench.fitness = fitness
            try bench.waits()
            bench.sees(try lease("other", annotations: Self.unfit))
            #expect(bench.delay != nil)
        }
    }

    @Test("leads while it is unfit and nobody has claimed the lease, and yields to a fit claimant")
    func leavesOff() throws {
        var bench = try leading()
        bench.fitness = .unfit
        try bench.waits()
        let marked = try lease("me", version: "2", renewal: 2, annotations: Self.unfit)
        bench.send(.written(marked))
        #expect(bench.isLeading)
        try bench.waits()
        bench.fails(.conflict)
        let claimed = try lease(
            "me", version: "3", renewal: 2, annotations: Self.unfit.merging([handoverAnnotations.claim: "other"]) { $1 }
        )
        bench.sees(claimed)
        #expect(!bench.isLeading)
        #expect(bench.machine.handover == .yielded(to: "other"))
        // It no longer renews, and leaves the lease to others when it has run out. A short recovery changes nothing.
        let sawLast = bench.now - .seconds(2)
        while let delay = bench.delay {
            #expect(delay > .zero)
            bench.fitness = bench.fitness == .unfit ? .doubtful : .unfit
            try bench.waits()
            bench.sees(claimed)
        }
        #expect(bench.now == sawLast + .seconds(15 + 3 * 2))
        // The claimant did not take the lease.
        #expect(bench.write == .renew(claimed))
        bench.send(.written(try lease("me", version: "4", renewal: 3, annotations: Self.unfit)))
        #expect(bench.isLeading)
    }

    @Test(
        "a leader that is fit again before it sees the claim, or before another leads, leads on"
    )
    func recovers() throws {
        let claimed = try lease(
            "me", version: "3", renewal: 2, annotations: Self.unfit.merging([handoverAnnotations.claim: "other"]) { $1 }
        )
        var bench = try leading()
        try bench.waits()
        bench.fails(.conflict)
        bench.sees(claimed)
        #expect(bench.write == .renew(claimed))
        #expect(bench.isLeading)

        bench = try leading()
        bench.fitness = .unfit
        try bench.waits()
        bench.fails(.conflict)
        bench.sees(claimed)
        #expect(!bench.isLeading)
        bench.fitness = .fit
        try bench.waits()
        bench.sees(claimed)
        #expect(bench.write == .renew(claimed))
    }

    @Test("repeats a claim that failed, and takes the lease in time")
    func failedClaim() throws {
        let offered = try lease("other", annotations: Self.unfit)
        for (code, isUnknown) in [(KubernetesError.Code.conflict, false), (.forbidden, false), (.timedOut, true)] {
            var bench = Bench()
            let start = bench.now
            bench.sees(offered)
            var claims = 0
            while case .claim? = bench.write {
                claims += 1
                bench.fails(code, isOutcomeUnknown: isUnknown)
                if bench.delay != nil { try bench.waits() }
                #expect(bench.reads)
                bench.sees(offered)
            }
            #expect(claims > 1)
            #expect(bench.write == .acquire(offered))
            #expect(bench.now - start < .seconds(20))
        }
    }

    @Test("defers for a lease duration where others should take a lease that ran out or is free")
    func standsBack() throws {
        let claimed = Self.unfit.merging([handoverAnnotations.claim: "third"]) { $1 }
        let cases: [(LeaderElection.Fitness, holder: String?, annotations: [String: String], seconds: Int)] = [
            (.unfit, "other", [:], 30), (.unfit, nil, [:], 15),
            // No fit candidate has claimed it.
            (.unfit, "other", Self.unfit, 15), (.unfit, nil, Self.unfit, 0),
            (.unfit, "other", claimed, 30), (.doubtful, "other", claimed, 30), (.doubtful, nil, claimed, 15),
            (.doubtful, "other", Self.unfit, 15), (.doubtful, nil, [:], 0), (.fit, "other", claimed, 15),
        ]
        for (fitness, holder, annotations, seconds) in cases {
            var bench = Bench()
            bench.fitness = fitness
            let start = bench.now
            let found = try lease(holder, annotations: annotations)
            bench.sees(found)
            while bench.delay != nil {
                try bench.waits()
                bench.sees(found)
            }
            #expect(bench.write == .acquire(found))
            #expect(bench.now == start + .seconds(seconds))
        }
    }

    // MARK: Releasing

    @Test("releases the lease that it holds when it is stopped")
    func release() throws {
        var bench = try leading()
        bench.step = bench.machine.stop(now: bench.now)
        #expect(bench.machine.term == nil)
        #expect(bench.step == .write(.release(try lease("me")), within: .seconds(2)))
        bench.send(.written(try lease(nil, version: "2")))
        #expect(bench.step == .stop)
        #expect(bench.machine.holder == nil)
    }

    @Test("releases nothing that it does not hold")
    func nothingToRelease() throws {
        var bench = Bench()
        bench.step = bench.machine.stop(now: bench.now)
        #expect(bench.step == .stop)
        bench = Bench()
        bench.sees(try lease("other"))
        bench.step = bench.machine.stop(now: bench.now)
        #expect(bench.step == .stop)
    }

    @Test(
        "reads the lease first when it was stopped during a write",
        arguments: ["me", "other", nil])
    func uncertainRelease(holder: String?) throws {
        var bench = try leading()
        try bench.waits()
        bench.fails(.cancelled, isOutcomeUnknown: true)
        bench.step = bench.machine.stop(now: bench.now)
        #expect(bench.step == .read(within: .seconds(2)))
        let found = try lease(holder, version: "7", renewal: 7)
        bench.sees(found)
        #expect(bench.step == (holder == "me" ? .write(.release(found), within: .seconds(2)) : .stop))
    }

    @Test("does not release a lease that another candidate has taken")
    func outdatedRelease() throws {
        var bench = try leading()
        bench.step = bench.machine.stop(now: bench.now)
        bench.fails(.conflict)
        #expect(bench.reads)
        bench.sees(try lease("other", version: "7"))
        #expect(bench.step == .stop)
    }

    @Test("tries for two seconds to release the lease, and then lets it run out")
    func releaseLimit() throws {
        var bench = try leading()
        bench.step = bench.machine.stop(now: bench.now)
        let start = bench.now
        while bench.step != .stop {
            bench.fails(.unreachable, after: .milliseconds(50))
            if bench.delay != nil { try bench.waits() }
        }
        #expect((Duration.seconds(1.5) ... .seconds(2)).contains(bench.now - start))
        bench = try leading()
        bench.step = bench.machine.stop(now: bench.now)
        bench.fails(.forbidden)
        #expect(bench.step == .stop)
    }
}
