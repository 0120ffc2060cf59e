internal import Concurrency
internal import Deliveries
internal import Synchronization

/// How fit this replica is to lead: for how long it has followed a registry, or none.
///
/// One that it follows is enough. A registry that is down for a day concerns only the services that it announces.
///
/// A registry that fails may fail for all replicas. They lose it and find it again at different times, by up to the
/// delay between two attempts, and a change of leader would not help. Hence a recent change counts as doubtful.
final class FitnessGauge: Sendable {
    /// For how long a change is doubtful.
    private let patience: Duration
    private let stopwatch: Stopwatch
    private let state = Mutex((isHealthy: false, since: Duration.zero))

    init(leaseDuration: Duration, clock: any Clock<Duration> = ContinuousClock()) {
        patience = leaseDuration * 2
        stopwatch = Stopwatch(clock)
    }

    /// - Parameter isHealthy: Whether some registry is followed from now on.
    func note(isHealthy: Bool) {
        state.withLock { state in
            if state.isHealthy != isHealthy { state = (isHealthy, stopwatch.elapsed) }
        }
    }

    var fitness: ReplicaFitness {
        let (isHealthy, since) = state.withLock { $0 }
        if stopwatch.elapsed - since < patience { return .doubtful }
        return isHealthy ? .fit : .unfit
    }
}
