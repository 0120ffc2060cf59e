internal import Concurrency
internal import Deliveries
package import IstioAPI
internal import Synchronization

/// The pacing of one cluster: how many writes its API server works on at once, and how often an object that keeps
/// changing is written.
package final class ClusterPacing: WorkPacing {
    private let gate: WorkerGate
    /// `nil` where writes are not paced.
    private let writes: Mutex<WritePacing<ResourceKey>?>
    private let stopwatch: Stopwatch

    package let workerCount: Int

    /// - Parameters:
    ///   - concurrency: How many writes may be under way at once. Within this range the limit follows what the API
    ///     server can do.
    ///   - isPaced: Whether objects that keep changing are written less and less often.
    package init(concurrency: ClosedRange<Int>, isPaced: Bool, clock: any Clock<Duration>) {
        gate = WorkerGate(concurrency)
        writes = Mutex(isPaced ? WritePacing() : nil)
        workerCount = concurrency.upperBound
        stopwatch = Stopwatch(clock)
    }

    package func enter() async -> Bool { await gate.enter() }
    package func leave() { gate.leave() }
    package func finish() { gate.finish() }

    package func delay(_ key: ResourceKey) -> Duration? { writes.withLock { $0?.delay(key, now: stopwatch.elapsed) } }
    package func removed(_ key: ResourceKey) { writes.withLock { $0?.removed(key) } }

    /// An object was written.
    /// - Parameters:
    ///   - bytes: The size of its JSON, about.
    ///   - latency: How long the API server took.
    ///   - isLimited: Whether more writes were waiting for their turn.
    package func wrote(_ key: ResourceKey, bytes: Int, latency: Duration, isLimited: Bool) {
        let cost = WriteCost(bytes: bytes, latency: latency)
        let now = stopwatch.elapsed
        writes.withLock { $0?.wrote(key, cost, now: now) }
        gate.succeeded(cost, isLimited: isLimited, now: now)
    }

    /// The API server refused a request for its load, or did not answer in time.
    package func overloaded() {
        gate.overloaded(now: stopwatch.elapsed)
    }

    /// How many writes may be under way at once, now.
    package var limit: Int { gate.limit }
}
