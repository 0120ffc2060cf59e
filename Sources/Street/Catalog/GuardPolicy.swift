/// The rules by which removals look like a failure of the registry rather than a wish of its users.
package struct GuardPolicy: Sendable, Hashable {
    /// The treatment of endpoints that only a registry announced which is not configured any more.
    package enum RemovedRegistries: String, Sendable, Hashable, CaseIterable {
        /// They stay until an operator releases them: a mistyped name must not cost endpoints.
        case keep
        case remove
    }

    /// The share of a registry's instances that may be removed within `window`, less the additions, in percent.
    package var maxRemovalPercent: Int
    /// How many instances may always be removed, however small the registry is.
    package var minRemovals: Int
    package var window: Duration
    /// How long the reads of a healthy registry have to agree before a held removal is accepted.
    package var holdFor: Duration
    package var removedRegistries: RemovedRegistries

    /// A loss of more than this share of a registry is released by its recovery or by an operator only.
    static let operatorPercent = 50

    package init(
        maxRemovalPercent: Int = 15, minRemovals: Int = 10, window: Duration = .seconds(60),
        holdFor: Duration = .seconds(300), removedRegistries: RemovedRegistries = .keep
    ) {
        self.maxRemovalPercent = maxRemovalPercent
        self.minRemovals = minRemovals
        self.window = window
        self.holdFor = holdFor
        self.removedRegistries = removedRegistries
    }

    func isSuspicious(loss: Int, of total: Int) -> Bool {
        loss > minRemovals && loss * 100 > total * maxRemovalPercent
    }
}

/// The number of removals less the number of additions within a window of time.
///
/// The count is kept in sixtieths of the window, so that its size does not depend on the number of events.
struct NetLoss: Sendable {
    private let window: Duration
    private var slots: [(start: Duration, net: Int)] = []
    private var sum = 0

    init(window: Duration) {
        self.window = window
    }

    mutating func add(_ net: Int, at now: Duration) {
        guard net != 0 else { return }
        sum += net
        if let last = slots.last, now - last.start < window / 60 {
            slots[slots.count - 1].net += net
        } else {
            slots.append((now, net))
        }
    }

    mutating func total(at now: Duration) -> Int {
        if let kept = slots.firstIndex(where: { now - $0.start < window }) {
            for slot in slots[..<kept] { sum -= slot.net }
            slots.removeFirst(kept)
        } else {
            reset()
        }
        return sum
    }

    mutating func reset() {
        slots = []
        sum = 0
    }
}
