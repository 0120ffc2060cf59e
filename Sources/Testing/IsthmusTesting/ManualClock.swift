/// A clock that moves only when it is told to.
public final class ManualClock: Clock {
    public struct Instant: InstantProtocol {
        fileprivate var offset = Duration.zero

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct State {
        var now = Instant()
        var nextID = 0
        /// Until when each sleeps.
        var sleepers: [Int: Instant] = [:]
    }

    private let state = Observed(State())

    public init() {}

    public var now: Instant { state.value.now }
    public var minimumResolution: Duration { .zero }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.change { state in
            state.nextID += 1
            if deadline > state.now { state.sleepers[state.nextID] = deadline }
            return state.nextID
        }
        await withTaskCancellationHandler {
            await state.wait { $0.sleepers[id] == nil }
        } onCancel: {
            state.change { $0.sleepers[id] = nil }
        }
        try Task.checkCancellation()
    }

    /// Returns once somebody sleeps.
    public func someoneSleeps() async { await state.wait { !$0.sleepers.isEmpty } }

    /// How many sleep now.
    public var sleeperCount: Int { state.value.sleepers.count }

    /// How long the first of the sleepers still sleeps; waits until somebody does.
    public func nextDeadline() async -> Duration? {
        await someoneSleeps()
        let state = state.value
        return state.sleepers.values.min().map { state.now.duration(to: $0) }
    }

    /// Moves it, and wakes those whose time has come.
    public func advance(by duration: Duration) {
        state.change { state in
            state.now = state.now.advanced(by: duration)
            state.sleepers = state.sleepers.filter { $0.value > state.now }
        }
    }
}
