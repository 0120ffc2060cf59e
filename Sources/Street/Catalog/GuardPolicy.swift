/// When the loss of instances looks like a failure of the registry rather than a wish of its users.
package struct GuardPolicy: Sendable, Hashable {
    /// What becomes of the endpoints that only a registry announced which is no longer configured.
    package enum RemovedRegistries: String, Sendable, Hashable, CaseIterable {
        /// They stay until an operator releases them: a name that was mistyped must not cost endpoints.
        case keep
        case remove
    }

    /// Of a registry's instances, how many percent may be lost in `window`, on balance.
    package var maxRemovalPercent: Int
    /// What may always be lost, however small the registry is.
    package var minRemovals: Int
    package var window: Duration
    /// How long a loss is held while the registry is healthy and its reads agree.
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

/// What was lost less what was gained within a window of time.
///
/// It counts in sixtieths of the window, so that its size does not depend on how much happens.
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
