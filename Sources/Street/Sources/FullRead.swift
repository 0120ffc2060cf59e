/// A full read before its names are known.
struct ListingRead: Sendable {
    /// Whether what was known goes on being changed by events.
    let isLive: Bool
    var postponed = PostponedReads()
    /// Events that the answer may not show.
    var events = EventsByName()

    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// - Returns: Whether the change may be applied.
    mutating func changed(_ change: InstanceChange) -> Bool {
        if events.note(change) { return true }
        // The answer may be older than the change.
        postponed.changed.insert(change.name)
        return false
    }
}

/// A full read whose names are known.
struct FullRead: Sendable {
    var postponed: PostponedReads
    /// Events about names that are not answered yet. They stand in the new view already, to which the answer will be
    /// added.
    var events: EventsByName
    /// The conditions of the names that were answered.
    var conditions: NameConditions
    var tally = ReadTally()
    private var waiting: ArraySlice<String>
    private var unanswered: Set<String>
    private var underWay: Set<String> = []

    init(names: [String], _ listing: ListingRead, conditions: NameConditions) {
        unanswered = Set(names)
        waiting = ArraySlice(names)
        if unanswered.count < names.count { waiting = ArraySlice(unanswered.sorted()) }
        postponed = listing.postponed
        events = EventsByName()
        self.conditions = conditions
    }

    var isComplete: Bool { unanswered.isEmpty }

    /// Whether the read of a name has yet to start, so that it will show whatever has happened until now.
    func isStillToStart(_ name: String) -> Bool {
        unanswered.contains(name) && !underWay.contains(name)
    }

    func isUnanswered(_ name: String) -> Bool { unanswered.contains(name) }

    mutating func next() -> String? {
        guard let name = waiting.popFirst() else { return nil }
        underWay.insert(name)
        return name
    }

    /// - Returns: The events since the beginning of the full read.
    mutating func answered(_ name: String) -> OverlappingEvents {
        unanswered.remove(name)
        underWay.remove(name)
        return events.take(name)
    }

    /// - Returns: Whether the change may be applied.
    mutating func changed(_ change: InstanceChange) -> Bool {
        guard unanswered.contains(change.name), !events.note(change) else { return true }
        if underWay.contains(change.name) { postponed.changed.insert(change.name) }
        return false
    }
}

/// Reads that wait until a full read is complete.
struct PostponedReads: Sendable {
    /// Whether everything is to be read once more.
    var isEverythingWanted = false
    /// Names that somebody asked for.
    var requested: Set<String> = []
    /// Names about which something changed that their answers may not show.
    var changed: Set<String> = []
    /// The newest push about each name.
    var pushed: [String: Reading] = [:]

    mutating func request(_ names: [String]) {
        requested.formUnion(names)
        if requested.count > ReadRequests.maximumNames {
            requested = []
            isEverythingWanted = true
        }
    }

    /// The newer one of an answer and of a push that came while the answer was outstanding. Where no position tells,
    /// the name is read once more.
    mutating func newest(_ name: String, _ answer: Reading) -> Reading {
        guard let push = pushed.removeValue(forKey: name) else { return answer }
        guard let pushPosition = push.position, let position = answer.position else {
            changed.insert(name)
            return answer
        }
        return pushPosition > position ? push : answer
    }
}

/// The events about names that are not answered yet.
struct EventsByName: Sendable {
    /// For all names together.
    static let limit = 65_536

    private var names: [String: OverlappingEvents] = [:]
    /// The number of instances with an event.
    private var count = 0

    /// - Returns: Whether the event was noted. One that was not must not be applied.
    mutating func note(_ change: InstanceChange) -> Bool {
        let before = names[change.name]?.count ?? 0
        let limit = min(OverlappingEvents.limit, before + Self.limit - count)
        let isNoted = names[change.name, default: OverlappingEvents()].note(change, limit: limit)
        if isNoted, let after = names[change.name]?.count { count += after - before }
        if !isNoted, before == 0 { names[change.name] = nil }
        return isNoted
    }

    mutating func take(_ name: String) -> OverlappingEvents {
        let events = names.removeValue(forKey: name) ?? OverlappingEvents()
        count -= events.count
        return events
    }

    mutating func takeAll() -> [(name: String, events: OverlappingEvents)] {
        defer { self = EventsByName() }
        return names.sorted { $0.key < $1.key }.map { (name: $0.key, events: $0.value) }
    }
}

/// What a full read found.
struct ReadTally: Hashable, Sendable {
    /// Names with registrations.
    var names = 0
    var instances = 0
    /// Registrations that can't be used.
    var unusable = 0
    /// Names whose read failed.
    var unreadable = 0
}
