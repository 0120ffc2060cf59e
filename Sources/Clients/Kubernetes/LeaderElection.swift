internal import FoundationEssentials
public import Logging
internal import Synchronization

/// Elects one leader among the processes that stand for the same lease, as client-go's leader election does, and
/// together with it.
///
/// ```swift
/// let election = try LeaderElection(
///     client: client, configuration: .init(name: "example", namespace: "default"), logger: logger)
/// await election.run { isLeading in
///     …
/// }
/// ```
///
/// **What it promises.** ``isLeading`` is true for at most one candidate at any moment, as long as their monotonic clocks
/// run at the same rate and nobody else writes or deletes the lease. A leader leads until
/// ``Configuration/renewDeadline`` after it *sent* its last successful renewal; others take the lease when they have seen no
/// change in it for the ``Configuration/leaseDuration`` that stands in it. No wall clock has a part in that: times in the
/// lease are for people.
///
/// **What it cannot promise.** A lease does not fence: a write that left while the process led may arrive when it no longer
/// does. Look at ``isLeading`` right before each write, and let writes be conditional on a resource version, or such
/// that to repeat one does no harm.
///
/// A process that was stopped and goes on, or a machine that slept, finds ``isLeading`` false when the term is over, before
/// any timer fires. Whoever has lost the lease stays a candidate: the process need not end.
///
/// **Who should lead.** A candidate may be unfit, since it can't see what it is to act on: see ``Fitness``. It then leads only where
/// nobody else does. While it holds the lease, an annotation says so; one that is fit answers with another, and takes the lease when
/// that has run out. Of all this other implementations see nothing but a holder that no longer renews.
///
/// The client's user needs the verbs `get`, `create` and `update` on `leases` of `coordination.k8s.io` in the namespace.
/// Fields of the lease that others have set, such as labels, stay as they are.
public final class LeaderElection: Sendable {
    struct State {
        var term: LeaderElectionStateMachine.Term?
        /// The number of the term of which the owner has been told, while it has not been told of its end.
        var reported: Int?
        var holder: String?
        var handover: LeaderElectionStateMachine.Handover?
        var interruption: (error: KubernetesError, since: Duration)?
        /// Of the last failure that was logged, while nothing has succeeded since.
        var reportedCode: KubernetesError.Code?
        var isEnding = false
    }

    let client: KubernetesClient
    let configuration: Configuration
    let logger: Logger
    let stopwatch: Stopwatch
    let wallClock: @Sendable () -> Duration
    let fitness: @Sendable () -> Fitness
    let state = Mutex(State())
    let changes = EventCount()

    /// Makes a candidate; nothing is sent before ``run(onChange:)``.
    ///
    /// - Parameters:
    ///   - client: used for the lease alone, so that a renewal never queues behind other requests or fails with their
    ///     connections. It is not shut down.
    ///   - logger: is told who leads, and what makes an attempt fail, once.
    ///   - clock: measures terms; it must count the time for which the machine is suspended.
    ///   - fitness: whether this candidate can do what the leader is there for; it is asked often, and must not wait.
    /// - Throws: `KubernetesError` with `configuration` when the times do not fit together.
    public convenience init(
        client: KubernetesClient, configuration: Configuration, logger: Logger,
        clock: some Clock<Duration> = ContinuousClock(), fitness: @escaping @Sendable () -> Fitness = { .fit }
    ) throws(KubernetesError) {
        try self.init(
            client: client, configuration: configuration, logger: logger, clock: clock,
            wallClock: { .seconds(Date().timeIntervalSince1970) }, fitness: fitness)
    }

    /// - Parameter wallClock: the time since 1970, which is written into the lease.
    package init(
        client: KubernetesClient, configuration: Configuration, logger: Logger, clock: some Clock<Duration>,
        wallClock: @escaping @Sendable () -> Duration, fitness: @escaping @Sendable () -> Fitness = { .fit }
    ) throws(KubernetesError) {
        try configuration.validate()
        self.client = client
        self.configuration = configuration
        self.wallClock = wallClock
        self.fitness = fitness
        stopwatch = Stopwatch(clock)
        var logger = logger
        logger[metadataKey: "lease"] = "\(configuration.namespace)/\(configuration.name)"
        logger[metadataKey: "identity"] = "\(configuration.identity)"
        self.logger = logger
    }

    /// Whether this process leads now. It asks a clock and no server: call it right before each write.
    ///
    /// It becomes true just before ``run(onChange:)`` reports that, and false when the term is over, whether that has
    /// been noticed and reported or not. It does not become true again before the report of the loss has returned.
    public var isLeading: Bool {
        let end = state.withLock { state in
            state.term.flatMap { $0.number == state.reported ? $0.end : nil }
        }
        // The clock is read last, since the process may be stopped anywhere in here.
        return end.map { stopwatch.elapsed() < $0 } ?? false
    }

    /// The identity of the lease's holder as it was last seen; `nil` when the lease is free, or has not been read.
    public var holder: String? { state.withLock { $0.holder } }

    /// What made the last attempt to read or write the lease fail; `nil` after one that succeeded. A missing permission
    /// is named.
    public var interruption: KubernetesError? { state.withLock { $0.interruption?.error } }

    /// For how long every attempt to read or write the lease has failed; `nil` after one that succeeded.
    public var interruptionAge: Duration? {
        state.withLock { $0.interruption?.since }.map { stopwatch.elapsed() - $0 }
    }

    /// Who holds the lease, where that is another candidate.
    public var rival: String? { holder.flatMap { $0 == configuration.identity ? nil : $0 } }

    /// Stands for election until the task is cancelled or the client shut down. Run it once at a time.
    ///
    /// On the way out it no longer leads, reports that, and, when the report has returned, releases the lease if it still
    /// holds it, so that another can lead at once. The release is sent although the task is cancelled, and takes at most
    /// 2 seconds.
    ///
    /// - Parameter onChange: is told that this process leads, and that it no longer does, in turn. The election does not
    ///   wait for it, but it is not called again before it has returned. Return from a loss when no write is under way.
    public func run(onChange: @escaping @Sendable (_ isLeading: Bool) async -> Void) async {
        state.withLock { $0 = State() }
        var machine = LeaderElectionStateMachine(configuration)
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.report(to: onChange) }
                await stand(with: &machine)
                end()
            }
        } onCancel: {
            end()
        }
        await release(machine)
    }
}
