/// The reads of single names between full reads: each name is read by one read at a time.
struct NameReads: Sendable {
    private enum Step {
        /// Waits for names that are asked for together with it.
        case gathering
        /// The reader prepares for the read.
        case preparing
        case ready
        case underWay
    }

    private struct NameRead {
        var step: Step
        /// Whether somebody asked for it after the preparation, so that this read does not count.
        var isAskedAgain = false
        /// Whether something changed that the answer may not show.
        var isOutdated = false
        /// Whether a newer answer was shown meanwhile.
        var isSuperseded = false
        /// Whether instances came or left since somebody asked for the name.
        var isDisturbed = false
        var events = OverlappingEvents()
    }

    /// What becomes of an answer.
    enum Verdict {
        case show(OverlappingEvents, isDisturbed: Bool)
        /// A newer one was shown, or is needed: the name will be read again.
        case drop
    }

    /// When everything is read again.
    let pollTime: Duration?
    private var names: [String: NameRead] = [:]
    private var gatheringEnd: Duration?
    private var gatheringCount = 0
    private var isPreparing = false
    private var ready: [String] = []
    private var firstReady = 0

    init(pollTime: Duration?) {
        self.pollTime = pollTime
    }

    var deadline: Duration? {
        guard let gatheringEnd, !isPreparing else { return pollTime }
        return min(gatheringEnd, pollTime ?? gatheringEnd)
    }

    // MARK: What is to be read

    /// Somebody asks for a name.
    /// - Returns: Whether too many are asked for: then everything is to be read.
    mutating func ask(for name: String, gatheringEnd end: Duration) -> Bool {
        switch names[name]?.step {
        case nil: gather(name, until: end)
        case .gathering: break
        case .preparing, .ready, .underWay: names[name]?.isAskedAgain = true
        }
        return gatheringCount > ReadRequests.maximumNames
    }

    private mutating func gather(_ name: String, until end: Duration) {
        names[name] = NameRead(step: .gathering)
        gatheringCount += 1
        gatheringEnd = gatheringEnd ?? end
    }

    /// - Returns: Whether the names that were gathered are to be prepared for now.
    mutating func startPreparing(now: Duration) -> Bool {
        guard !isPreparing, let end = gatheringEnd, end <= now else { return false }
        isPreparing = true
        gatheringEnd = nil
        gatheringCount = 0
        for (name, read) in names where read.step == .gathering { names[name]?.step = .preparing }
        return true
    }

    mutating func prepared() {
        isPreparing = false
        for name in names.filter({ $0.value.step == .preparing }).keys.sorted() {
            names[name]?.step = .ready
            ready.append(name)
        }
    }

    /// Something about a name changed, so that it is read at once.
    mutating func nameChanged(_ name: String) {
        switch names[name]?.step {
        case nil:
            names[name] = NameRead(step: .ready)
            ready.append(name)
        case .gathering, .preparing, .ready: break
        case .underWay: names[name]?.isOutdated = true
        }
    }

    /// A newer statement about the name was shown than the answer of a read that is under way.
    mutating func supersede(_ name: String) {
        if names[name]?.step == .underWay { names[name]?.isSuperseded = true }
    }

    /// - Returns: Whether the change may be applied.
    mutating func changed(_ change: InstanceChange) -> Bool {
        let name = change.name
        guard names[name] != nil else { return true }
        names[name]?.isDisturbed = true
        guard names[name]?.step == .underWay else { return true }
        if names[name]?.events.note(change) == true { return true }
        names[name]?.isOutdated = true
        return false
    }

    // MARK: Reading

    mutating func next() -> String? {
        guard firstReady < ready.count else {
            ready = []
            firstReady = 0
            return nil
        }
        defer { firstReady += 1 }
        let name = ready[firstReady]
        names[name]?.step = .underWay
        return name
    }

    /// A read has been answered. What has to be read again is, at once or with the next names that are asked for.
    mutating func answered(_ name: String, gatheringEnd end: Duration) -> Verdict {
        guard let read = names.removeValue(forKey: name) else { return .drop }
        if read.isAskedAgain {
            gather(name, until: end)
        } else if read.isOutdated || read.isSuperseded {
            nameChanged(name)
        }
        if read.isSuperseded { return .drop }
        return .show(read.events, isDisturbed: read.isDisturbed)
    }
}
