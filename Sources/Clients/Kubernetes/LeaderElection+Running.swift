internal import Concurrency
internal import Logging
internal import Synchronization

extension LeaderElection {
    func compete(with machine: inout LeaderElectionStateMachine) async {
        var step = machine.firstStep
        while !Task.isCancelled {
            let input = await perform(step)
            step = machine.handle(input, now: stopwatch.elapsed, fitness: fitness())
            publish(machine)
            if machine.interruption?.code == .shutDown { return }
        }
    }

    func release(_ machine: LeaderElectionStateMachine) async {
        // A new task, since a cancelled task can send nothing.
        await Task {
            var machine = machine
            var step = machine.stop(now: stopwatch.elapsed)
            while step != .stop {
                step = machine.handle(await perform(step), now: stopwatch.elapsed)
            }
            state.withLock { $0.holder = machine.holder }
            if machine.holder == configuration.identity {
                logger.warning(
                    "lease not released: other candidates wait until it runs out",
                    metadata: ["error": "\(machine.interruption.map { "\($0)" } ?? "no time left")"])
            }
        }.value
    }

    /// Ends the leadership for good. Outcomes of requests under way no longer count.
    func end() {
        state.withLock { state in
            state.isEnding = true
            state.term = nil
        }
        changes.signal()
    }

    private func publish(_ machine: LeaderElectionStateMachine) {
        let before = state.withLock { state in
            guard !state.isEnding else { return state }
            defer {
                state.term = machine.term
                state.holder = machine.holder
                state.handover = machine.handover
                let since = state.interruption?.since ?? stopwatch.elapsed
                state.interruption = machine.interruption.map { ($0, since) }
                // A missing lease that was read proves nothing about the permission to create it.
                if let error = machine.interruption {
                    state.reportedCode = error.code
                } else if machine.term != nil || machine.holder != nil {
                    state.reportedCode = nil
                }
            }
            return state
        }
        guard !before.isEnding else { return }
        if before.term?.number != machine.term?.number { changes.signal() }
        if machine.handover != before.handover { log(machine.handover) }
        if let holder = machine.holder, holder != before.holder, holder != configuration.identity {
            logger.info("lease held by another candidate", metadata: ["holder": "\(holder)"])
        }
        if let error = machine.interruption, error.code != before.reportedCode {
            logger.warning("lease cannot be read or written", metadata: ["error": "\(error)"])
        }
    }

    private func log(_ handover: LeaderElectionStateMachine.HandoverStage?) {
        switch handover {
        case .offered:
            logger.notice("lease offered: this leader is unfit, and leads until a fit candidate claims the lease")
        case .claimed(let holder):
            logger.notice("lease claimed from an unfit holder", metadata: ["holder": "\(holder)"])
        case .yielded(let claimant):
            logger.notice("lease yielded to a fit candidate", metadata: ["claimant": "\(claimant)"])
        case nil: break
        }
    }

    /// Reports the start and the end of terms, in turn. Of several terms that start during a report it reports the last
    /// one only, and only if that has not ended.
    func report(to onChange: @Sendable (Bool) async -> Void) async {
        while true {
            let ticket = changes.ticket
            // This task may notice the cancellation before the other one does.
            if Task.isCancelled { end() }
            let (change, isEnding) = state.withLock { ($0.takeChange(), $0.isEnding) }
            guard let isLeading = change else {
                if isEnding { return }
                await changes.wait(after: ticket)
                continue
            }
            if isLeading {
                logger.info("lease gained: this candidate leads")
            } else {
                logger.info("lease lost: this candidate stops leading")
            }
            await onChange(isLeading)
            if !isLeading { state.withLock { $0.reported = nil } }
        }
    }
}

extension LeaderElection.State {
    /// The next change to report; `nil` when everything is reported.
    fileprivate mutating func takeChange() -> Bool? {
        if reported != nil { return reported == term?.number ? nil : false }
        reported = term?.number
        return reported == nil ? nil : true
    }
}
