/// The keys that need work, and when the pacing lets each of them be taken. A pure state machine.
struct PacedLanes<Key: Hashable & Sendable>: Sendable {
    var lanes = WorkLanes<Key>()
    var pacing: Pacing<Key>

    init(pacing: Pacing<Key>) {
        self.pacing = pacing
    }

    /// The next key. The caller has it until it is done or held.
    mutating func take(now: Duration) -> (key: Key, since: ContinuousClock.Instant)? {
        guard lanes.processingCount < pacing.limit else { return nil }
        let writes = Lane.allCases.filter { !$0.isLook && pacing.opening(of: $0, now: now) == nil }
        guard let item = lanes.take(writes) ?? lanes.take([.fresh]) ?? lanes.take([.background]) else { return nil }
        pacing.took(waiting: lanes.waiting, now: now)
        return item
    }

    /// A write is about to begin.
    /// - Returns: Whether it may.
    mutating func begin(_ lane: Lane, now: Duration) -> Bool {
        let wasIdle = pacing.isIdle
        guard pacing.begin(lane, now: now) else { return false }
        if wasIdle { lanes.beginRound() }
        return true
    }

    /// Whether keys wait only because as many are worked on as may be.
    var isLimited: Bool { lanes.waiting > 0 && lanes.processingCount >= pacing.limit }

    /// To be called when nothing more is taken: a burst ends where nothing can be taken any more.
    mutating func rest(now: Duration) {
        guard lanes.processingCount == 0,
            lanes.waitingLanes.allSatisfy({ pacing.opening(of: $0, now: now) != nil })
        else { return }
        pacing.drained(now: now)
    }

    /// The earliest time at which a key may be taken that can't be taken now; `nil` where nothing waits for the time.
    func opening(now: Duration) -> Duration? {
        lanes.waitingLanes.compactMap { pacing.opening(of: $0, now: now) }.min()
    }
}
