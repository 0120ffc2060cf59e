internal import Logging
internal import Synchronization

extension LeaderElection {
    func stand(with machine: inout LeaderElectionStateMachine) async {
        var step = machine.firstStep
        while !Task.isCancelled {
            let input = await perform(step)
            step = machine.handle(input, now: stopwatch.elapsed(), fitness: fitness())
            publish(machine)
            if machine.interruption?.code == .shutDown { return }
        }
    }

    func release(_ machine: LeaderElectionStateMachine) async {
        // A task of its own, since one that is cancelled can send nothing.
        await Task {
            var machine = machine
            var step = machine.stop(now: stopwatch.elapsed())
            while step != .stop {
                step = machine.handle(await perform(step), now: stopwatch.elapsed())
            }
            state.withLock { $0.holder = machine.holder }
            if machine.holder == configuration.identity {
                logger.warning(
                    "the lease could not be released; others wait until it runs out",
                    metadata: ["error": "\(machine.interruption.map { "\($0)" } ?? "no time left")"])
            }
        }.value
    }

    /// From now on it does not lead, whatever comes.
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
                let since = state.interruption?.since ?? stopwatch.elapsed()
                state.interruption = machine.interruption.map { ($0, since) }
                // That there is no lease to be read is no success in writing one.
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
            logger.info("another holds the lease", metadata: ["holder": "\(holder)"])
        }
        if let error = machine.interruption, error.code != before.reportedCode {
            logger.warning("the lease cannot be read or written", metadata: ["error": "\(error)"])
        }
    }

    private func log(_ handover: LeaderElectionStateMachine.Handover?) {
        switch handover {
        case .offered: logger.notice("is unfit to lead, and does so until a candidate that is fit asks for the lease")
        case .asked(let holder):
            logger.notice("asks for the lease of one that is unfit", metadata: ["holder": "\(holder)"])
        case .left(let claimant): logger.notice("leaves the lease to one that is fit", metadata: ["to": "\(claimant)"])
        case nil: break
        }
    }

    /// Tells of terms that begin and end, in turn. Of several that begin and end during a report it tells the last one,
    /// if that has not ended.
    func report(to onChange: @Sendable (Bool) async -> Void) async {
        while true {
            let ticket = changes.ticket
            // This task may hear of the cancellation before the other one does.
            if Task.isCancelled { end() }
            let (change, isEnding) = state.withLock { ($0.takeChange(), $0.isEnding) }
            guard let isLeading = change else {
                if isEnding { return }
                await changes.wait(after: ticket)
                continue
            }
            logger.info("\(isLeading ? "leads" : "leads no longer")")
            await onChange(isLeading)
            if !isLeading { state.withLock { $0.reported = nil } }
        }
    }
}

extension LeaderElection.State {
    /// What is to be reported next; `nil` when all is told.
    fileprivate mutating func takeChange() -> Bool? {
        if reported != nil { return reported == term?.number ? nil : false }
        reported = term?.number
        return reported == nil ? nil : true
    }
}
