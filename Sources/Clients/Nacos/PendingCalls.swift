internal import DequeModule

/// The calls on the wire, in the order of their deadlines.
///
/// Every call has the same time limit, so the order of the calls is that of their deadlines.
struct PendingCalls<Purpose> {
    private var purposes: [UInt64: Purpose] = [:]
    /// Holds answered calls until their deadline.
    private var deadlines = Deque<(id: UInt64, deadline: Duration)>()

    var count: Int { purposes.count }

    mutating func insert(_ purpose: Purpose, id: UInt64, deadline: Duration) {
        purposes[id] = purpose
        deadlines.append((id, deadline))
    }

    /// - Returns: `nil` for a call that was given up.
    mutating func remove(_ id: UInt64) -> Purpose? {
        let purpose = purposes.removeValue(forKey: id)
        dropAnswered()
        return purpose
    }

    mutating func removeAll() -> [Purpose] {
        let ordered = deadlines.compactMap { purposes[$0.id] }
        purposes = [:]
        deadlines = []
        return ordered
    }

    var deadline: Duration? { deadlines.first?.deadline }

    /// Removes one call whose time is over.
    mutating func expire(now: Duration) -> (id: UInt64, purpose: Purpose)? {
        // The first one has no answer yet: answered ones are dropped from the front.
        guard let first = deadlines.first, first.deadline <= now,
            let purpose = purposes.removeValue(forKey: first.id)
        else { return nil }
        dropAnswered()
        return (first.id, purpose)
    }

    private mutating func dropAnswered() {
        while let first = deadlines.first, purposes[first.id] == nil { deadlines.removeFirst() }
        // Many answered calls may stand behind one without an answer.
        guard deadlines.count > 2 * purposes.count + 64 else { return }
        deadlines.removeAll { purposes[$0.id] == nil }
    }
}
