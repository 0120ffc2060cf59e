internal import Services

extension FollowerStateMachine {
    /// How many names a full read reports one by one whose reads failed.
    private static let reportedNames = 20

    mutating func listed(_ answer: Result<Listing, ReadFailure>) {
        guard case .listing(var listing) = state else { return }
        state = .disconnected
        switch answer {
        case .failure(let failure):
            readFailed(failure)
            // What was missing may have come since the registry answered.
            if case .missing = state, listing.postponed.isEverythingWanted { readEverything(isLive: false) }
        case .success(let answer):
            order = ReadOrder()
            if let position = answer.position { order.rootWasRead(at: position) }
            let names = answer.names.filter { answer.readings[$0] == nil }
            let events = listing.events.takeAll()
            var read = FullRead(names: names, listing, conditions: NameConditions(pauses: pauses))
            read.postponed.changed.subtract(names)
            for name in names { read.postponed.pushed[name] = nil }
            state = .reading(read)
            emit(.begin)
            let readings = answer.readings.sorted { $0.key < $1.key }
            for (name, reading) in readings { show(name, reading, OverlappingEvents()) }
            for (name, noted) in events { carryOver(noted, of: name, answer, isLive: listing.isLive) }
            completeIfAllIsRead()
        }
    }

    /// The events between the start of a full read and its `begin`.
    private mutating func carryOver(
        _ events: OverlappingEvents, of name: String, _ listing: Listing, isLive: Bool
    ) {
        // The read of the name will show them.
        if modifyFullRead({ $0.isUnanswered(name) }) == true { return }
        for change in events.newer(than: listing.readings[name]?.position ?? listing.position) { emit(change.event) }
        if listing.position == nil { modifyFullRead { $0.postponed.changed.insert(name) } }
    }

    mutating func answeredInFullRead(_ name: String, _ answer: Result<Reading, ReadFailure>) {
        guard let events = modifyFullRead({ $0.answered(name) }) else { return }
        switch answer {
        case .success(let reading):
            guard let newest = modifyFullRead({ $0.postponed.newest(name, reading) }) else { return }
            show(name, newest, events)
        case .failure(let failure) where failure.cause == .disconnected || failure.cause == .overloaded:
            return readFailed(failure)
        case .failure(let failure):
            order.showsNothing(of: name)
            noteFailure(name, failure)
        }
        completeIfAllIsRead()
    }

    /// Emits an answer inside the frame.
    ///
    /// Events that came before the answer stand in the new view already, and the answer is added to it. Therefore what
    /// the answer says of their instances is emitted again, as events.
    private mutating func show(_ name: String, _ reading: Reading, _ events: OverlappingEvents) {
        modifyFullRead { $0.tally.unusable += reading.unusableCount }
        switch reading.content {
        case .services(let services):
            if let position = reading.position { order.wasRead(name, at: position) }
            let merged = events.merged(into: services, at: reading.position)
            if merged.isAmbiguous { modifyFullRead { $0.postponed.changed.insert(name) } }
            let count = services.values.reduce(0) { $0 + $1.count }
            modifyFullRead { read in
                read.tally.instances += count
                if count > 0 || reading.unusableCount > 0 { read.tally.names += 1 }
            }
            emit(.services(name: name, merged.services))
            for correction in merged.corrections { emit(correction) }
        case .unusable(let reason):
            order.showsNothing(of: name)
            modifyFullRead { [now, conditions] read in
                read.tally.names += 1
                _ = read.conditions.note(name, .unusable, after: conditions, now: now)
                if !events.isEmpty { read.conditions.changed(name, isRemoval: false, now: now) }
            }
            emit(.unreadable(name: name, reason: reason, isAnswered: true))
        }
    }

    private mutating func noteFailure(_ name: String, _ failure: ReadFailure) {
        let report = modifyFullRead { [now, conditions] read -> FollowerReport? in
            read.tally.unreadable += 1
            let failures = read.conditions.note(name, .init(failure), after: conditions, now: now)
            guard read.tally.unreadable <= Self.reportedNames else { return nil }
            return .nameUnreadable(name, reason: failure.reason, failures: failures)
        }
        if let report = report ?? nil { self.report(report) }
        emit(.unreadable(name: name, reason: failure.reason))
    }

    private mutating func completeIfAllIsRead() {
        guard case .reading(let read) = state, read.isComplete else { return }
        conditions = read.conditions
        state = .following(NameReads(pollTime: pollInterval.map { now + $0 }))
        actions.append(.emitNotes)
        emit(.complete)
        everythingWasRead(read.tally)
        carryOut(read.postponed)
    }

    private mutating func carryOut(_ postponed: PostponedReads) {
        if postponed.isEverythingWanted { return readEverything(isLive: true) }
        for (name, reading) in postponed.pushed.sorted(by: { $0.key < $1.key }) { show(pushed: name, reading) }
        modifyNameReads { reads in
            for name in postponed.changed.sorted() { reads.nameChanged(name) }
        }
        if !postponed.requested.isEmpty { ask(for: postponed.requested.sorted()) }
    }
}

extension NameConditions.Cause {
    init(_ failure: ReadFailure) {
        self =
            switch failure.cause {
            case .disconnected, .missing, .overloaded, .passing: .failed
            case .refused: .refused
            case .lasting: .unlistable
            }
    }
}
