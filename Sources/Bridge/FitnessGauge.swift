internal import Deliveries
internal import Kubernetes
internal import Synchronization

/// How fit this replica is to lead: for how long it has followed its registries, or has not.
///
/// When a registry fails for all replicas, all lose it and find it again within moments of each other, and no change of leader would help.
/// Hence what has just changed counts as doubtful.
final class FitnessGauge: Sendable {
    private let leaseDuration: Duration
    private let elapsed: @Sendable () -> Duration
    private let state: Mutex<(isHealthy: Bool, since: Duration)>

    /// - Parameters:
    ///   - leaseDuration: After this time a replica that follows its registries is fit; after twice this time one that does not is unfit.
    ///   - isHealthy: Whether it follows them from the start.
    init(leaseDuration: Duration, isHealthy: Bool = false, clock: any Clock<Duration> = ContinuousClock()) {
        self.leaseDuration = leaseDuration
        elapsed = clock.elapsing()
        state = Mutex((isHealthy, .zero))
    }

    /// All registries are followed from now on, or one is not any more.
    func note(isHealthy: Bool) {
        state.withLock { state in
            if state.isHealthy != isHealthy { state = (isHealthy, elapsed()) }
        }
    }

    var fitness: LeaderElection.Fitness {
        let (isHealthy, since) = state.withLock { $0 }
        let age = elapsed() - since
        if isHealthy { return age >= leaseDuration ? .fit : .doubtful }
        return age >= leaseDuration * 2 ? .unfit : .doubtful
    }
}
