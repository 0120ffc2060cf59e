/// When a delivery writes, so that istiod learns of each change soon. A pure state machine.
///
///     first sync ──► idle ──► burst ──► breath ──► idle
///
/// istiod pushes after 100 ms without a change. A change on a quiet cluster is written at once. While changes keep
/// coming, they are written in bursts, and each burst is followed by a silence that is long enough for istiod to push.
/// Writes that cost a full push are gathered: the first one goes at once, the next ones together.
///
/// It also knows how large the objects are that keep changing (`ObjectSizes`), and how many writes the server works on
/// at once (`ConcurrencyLimit`).
package struct Pacing<Key: Hashable & Sendable>: Sendable {
    enum Rhythm: Sendable, Hashable {
        /// Everything that was there at the start is written without a breath.
        case firstSync(FirstSync)
        case idle
        /// Writes may begin until then.
        case burst(until: Duration, carriesFullPushes: Bool)
        /// No write begins until then.
        case breath(until: Duration)
    }

    /// How long writes may begin in a burst.
    static var burstLength: Duration { .milliseconds(300) }
    /// The same for a burst that carries full pushes: thousands of them would else take many pushes.
    static var fullBurstLength: Duration { .seconds(1) }
    /// The time from the first full push of a burst to the first one of another burst.
    static var fullPushInterval: Duration { .seconds(2) }
    /// For how long a breath waits for answers. A write that hangs must not hold up the others.
    static var answerPatience: Duration { .seconds(1) }
    /// How long after the last answer the watch may show writes and put off the end of the breath.
    static var echoPatience: Duration { .milliseconds(500) }

    /// How long nothing is written after a burst. `nil` where writes are not paced.
    private let pause: Duration?
    private var rhythm: Rhythm
    private var writesUnderWay = 0
    /// `nil` before the first write.
    private var lastAnswer: Duration?
    private var nextFullPush = Duration.zero
    private var sizes = ObjectSizes<Key>()
    private var concurrency: ConcurrencyLimit

    /// - Parameters:
    ///   - concurrency: How many keys may be worked on at once. Within this range the limit follows what the server can
    ///     do.
    ///   - pause: How long nothing is written after a burst: longer than istiod's `PILOT_DEBOUNCE_AFTER`, zero where
    ///     istiod doesn't wait for changes of endpoints.
    package init(concurrency: ClosedRange<Int>, pause: Duration?) {
        self.concurrency = ConcurrencyLimit(concurrency)
        self.pause = pause
        rhythm = pause == nil ? .idle : .firstSync(FirstSync())
    }

    /// A pacing that holds up nothing.
    package static func unpaced(workers: Int) -> Pacing { Pacing(concurrency: workers...workers, pause: nil) }

    var isIdle: Bool { rhythm == .idle }

    /// How many workers are needed at most.
    package var workerCount: Int { concurrency.range.upperBound }
    /// How many keys may be worked on at once, now.
    package var limit: Int { concurrency.limit }
}

// MARK: - Bursts and breaths

extension Pacing {
    /// Time has passed.
    mutating func advance(to now: Duration) {
        if case .burst(let end, _) = rhythm, end <= now {
            let waits = writesUnderWay > 0 && pause != .zero
            rhythm = .breath(until: waits ? end + Self.answerPatience : silenceEnd)
        }
        if case .breath(let end) = rhythm, end <= now { rhythm = .idle }
    }

    /// When istiod has had time to push what was written.
    private var silenceEnd: Duration { lastAnswer.map { $0 + (pause ?? .zero) } ?? .zero }

    /// The time from which on a key of this lane may be taken; `nil` where it may be taken now.
    func opening(of lane: Lane, now: Duration) -> Duration? {
        if lane.isLook || pause == nil { return nil }
        let fullPush = lane == .fullPush && now < nextFullPush ? nextFullPush : nil
        switch rhythm {
        case .firstSync, .burst(_, carriesFullPushes: true): return nil
        case .idle, .burst: return fullPush
        case .breath(let end): return max(end, fullPush ?? end)
        }
    }

    /// A worker takes a key.
    /// - Parameter waiting: How many others wait.
    mutating func took(waiting: Int, now: Duration) {
        guard case .firstSync(var sync) = rhythm else { return }
        rhythm = sync.isOver(waiting: waiting, now: now) ? .idle : .firstSync(sync)
    }

    /// A write is about to begin.
    /// - Returns: Whether it may. `end` follows then.
    mutating func begin(_ lane: Lane, now: Duration) -> Bool {
        guard opening(of: lane, now: now) == nil else { return false }
        writesUnderWay += 1
        if pause == nil { return true }
        if rhythm == .idle { rhythm = .burst(until: now + Self.burstLength, carriesFullPushes: false) }
        if lane == .fullPush, case .burst(let end, carriesFullPushes: false) = rhythm {
            rhythm = .burst(until: max(end, now + Self.fullBurstLength), carriesFullPushes: true)
            nextFullPush = now + Self.fullPushInterval
        }
        return true
    }

    /// The server has stored a write.
    /// - Parameter isLimited: Whether other keys waited for their turn.
    mutating func wrote(_ key: Key, _ cost: WriteCost, isLimited: Bool, now: Duration) {
        lastAnswer = now
        concurrency.succeeded(cost, isLimited: isLimited, now: now)
        if pause != nil { sizes.wrote(key, cost, now: now) }
    }

    /// A write that `begin` let begin has ended, or turned out to be none.
    mutating func end() {
        writesUnderWay -= 1
        if case .breath = rhythm, writesUnderWay == 0 { rhythm = .breath(until: silenceEnd) }
    }

    /// The watch has shown a write of ours. istiod's watch shows it about now, too: a busy server may show it long
    /// after its answer, and the silence begins with what istiod sees last.
    mutating func echoed(now: Duration) {
        guard case .breath(let end) = rhythm, writesUnderWay == 0, let pause, pause > .zero, let lastAnswer,
            now < lastAnswer + Self.echoPatience
        else { return }
        rhythm = .breath(until: max(end, now + pause))
    }

    /// No worker has a key, and none can be taken.
    mutating func drained(now: Duration) {
        guard case .burst = rhythm, writesUnderWay == 0 else { return }
        rhythm = .breath(until: silenceEnd)
        advance(to: now)
    }
}

// MARK: - Sizes and load

extension Pacing {
    /// How long the next write of an object that keeps changing has to wait; `nil` when it may begin at once.
    func delay(_ key: Key, now: Duration) -> Duration? {
        sizes.delay(key, now: now)
    }

    /// The object was deleted. Another one of its name has not changed before.
    mutating func removed(_ key: Key) {
        sizes.removed(key)
    }

    /// The server refused a request for its load, or did not answer in time.
    mutating func overloaded(now: Duration) {
        concurrency.overloaded(now: now)
    }
}
