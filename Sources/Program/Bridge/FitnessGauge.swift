internal import Deliveries
internal import Synchronization

/// How fit this replica is to lead: for how long it has followed its registries, or has not.
///
/// When a registry fails for all replicas, they lose it and find it again at different times, by up to the pause between two attempts, and no
/// change of leader would help. Hence what has changed lately counts as doubtful.
final class FitnessGauge: Sendable {
    /// For how long a change is doubtful.
    private let patience: Duration
    private let elapsed: @Sendable () -> Duration
    private let state = Mutex((isHealthy: false, since: Duration.zero))

    init(leaseDuration: Duration, clock: any Clock<Duration> = ContinuousClock()) {
        patience = leaseDuration * 2
        elapsed = clock.elapsing()
    }

    /// All registries are followed from now on, or one is not any more.
    func note(isHealthy: Bool) {
        state.withLock { state in
            if state.isHealthy != isHealthy { state = (isHealthy, elapsed()) }
        }
    }

    var fitness: ReplicaFitness {
        let (isHealthy, since) = state.withLock { $0 }
        if elapsed() - since < patience { return .doubtful }
        return isHealthy ? .fit : .unfit
    }
}
