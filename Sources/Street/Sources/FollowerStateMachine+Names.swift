internal import Services

/// Single names, between full reads.
extension FollowerStateMachine {
    /// Reads names together with others that are asked for soon.
    mutating func ask(for names: [String]) {
        let end = now + pauses.gathering
        let isTooMuch = modifyNameReads { reads in
            names.reduce(false) { reads.ask(for: $1, gatheringEnd: end) || $0 }
        }
        if isTooMuch == true { readEverything(isLive: true) }
    }

    mutating func retryNames() {
        let due = conditions.takeDue(now: now)
        if !due.afterChange.isEmpty {
            modifyNameReads { reads in
                for name in due.afterChange { reads.nameChanged(name) }
            }
        }
        if !due.others.isEmpty { ask(for: due.others) }
        if modifyNameReads({ [now] in $0.startPreparing(now: now) }) == true { actions.append(.prepare(epoch)) }
    }

    mutating func prepared(_ failure: ReadFailure?) {
        guard case .following = state else { return }
        switch failure?.cause {
        case nil: modifyNameReads { $0.prepared() }
        case .disconnected, .missing: if let failure { readFailed(failure) }
        // A full read finds out whether the registry can be read at all.
        case .overloaded, .passing, .refused, .lasting: readEverything(isLive: true)
        }
    }

    mutating func answeredByItself(_ name: String, _ answer: Result<Reading, ReadFailure>) {
        let end = now + pauses.gathering
        guard case .show(let events, let isDisturbed)? = modifyNameReads({ $0.answered(name, gatheringEnd: end) })
        else { return }
        switch answer {
        case .failure(let failure):
            noteFailure(name, failure)
        case .success(let reading):
            if let position = reading.position, order.isOlder(position, than: name) { return }
            guard case .services(let services) = reading.content else {
                show(name, reading)
                if !events.isEmpty { conditions.changed(name, isRemoval: false, now: now) }
                return
            }
            let merged = events.merged(into: services, at: reading.position)
            // In a name whose instances come and leave all the time, an empty answer shows a moment between the two.
            if isDisturbed, merged.services.values.allSatisfy(\.isEmpty) { return ask(for: [name]) }
            if merged.isAmbiguous { ask(for: [name]) }
            show(name, Reading(.services(merged.services), position: reading.position))
        }
    }

    private mutating func noteFailure(_ name: String, _ failure: ReadFailure) {
        // The full read after the next connection reads the name, too.
        if failure.cause == .disconnected { return }
        order.showsNothing(of: name)
        let failures = conditions.note(name, .init(failure), now: now)
        report(.nameUnreadable(name, reason: failure.reason, failures: failures))
        emit(.unreadable(name: name, reason: failure.reason))
    }
}
