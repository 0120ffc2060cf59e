internal import Concurrency
internal import FoundationEssentials
public import Logging
internal import Synchronization

/// Elects one leader among the processes that compete for the same `Lease`, by the rules of client-go's leader election
/// and compatible with it.
///
/// ```swift
/// let election = try LeaderElection(
///     client: client, configuration: .init(name: "example", namespace: "default"), logger: logger)
/// await election.run { isLeading in
///     …
/// }
/// ```
///
/// **What it promises.** ``isLeading`` is true for at most one candidate at any moment, as long as the candidates'
/// monotonic clocks run at the same rate and nobody else writes or deletes the lease. A leader leads until
/// ``Configuration/renewDeadline`` after it *sent* its last successful renewal. Another candidate takes the lease when
/// it has seen no change in it for the ``Configuration/leaseDuration`` that the lease holds. No wall clock decides
/// anything: the times in the lease are for people.
///
/// **What it cannot promise.** A lease does not fence: a write that was sent while the process led may arrive when it
/// no longer leads. Check ``isLeading`` right before each write. Make writes conditional on a resource version, or such
/// that repeating them does no harm.
///
/// A process that was stopped, or a machine that slept, finds ``isLeading`` false as soon as it resumes after the end
/// of the term, before any timer fires. A process that has lost the lease stays a candidate and need not exit.
///
/// **Who should lead.** Candidates may agree on a ``Handover``: a leader that cannot do its work yields to a candidate
/// that can.
///
/// The client's user needs the verbs `get`, `create` and `update` on `leases` of `coordination.k8s.io` in the
/// namespace. The election keeps fields of the lease that others have set, such as labels.
public final class LeaderElection: Sendable {
    struct State {
        var term: LeaderElectionStateMachine.Term?
        /// The number of the term whose start the owner was told of; `nil` once the owner was told of its end.
        var reported: Int?
        var holder: String?
        var handover: LeaderElectionStateMachine.HandoverStage?
        var interruption: (error: KubernetesError, since: Duration)?
        /// The code of the last failure that was logged; `nil` after a success.
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

    /// Makes a candidate. It sends nothing before ``run(onChange:)``.
    ///
    /// - Parameters:
    ///   - client: used for the lease alone, so that a renewal never queues behind other requests, and never fails with
    ///     their connections. The election does not shut it down.
    ///   - configuration: the lease, the candidate's identity, and the times.
    ///   - handover: how a leader that cannot do its work yields to another candidate; `nil` for no handover.
    ///   - logger: receives who leads, and each new kind of failure once.
    ///   - clock: measures terms. It must count the time for which the machine is suspended.
    /// - Throws: `KubernetesError` with `configuration` when the configuration is invalid.
    public convenience init(
        client: KubernetesClient, configuration: Configuration, handover: Handover? = nil, logger: Logger,
        clock: some Clock<Duration> = ContinuousClock()
    ) throws(KubernetesError) {
        try self.init(
            client: client, configuration: configuration, handover: handover, logger: logger, clock: clock,
            wallClock: { .seconds(Date().timeIntervalSince1970) })
    }

    /// - Parameter wallClock: the time since 1970, which is written into the lease.
    package init(
        client: KubernetesClient, configuration: Configuration, handover: Handover? = nil, logger: Logger,
        clock: some Clock<Duration>, wallClock: @escaping @Sendable () -> Duration
    ) throws(KubernetesError) {
        var configuration = configuration
        configuration.handover = handover?.annotations
        try configuration.validate()
        self.client = client
        self.configuration = configuration
        self.wallClock = wallClock
        if let handover { fitness = handover.fitness } else { fitness = { .fit } }
        stopwatch = Stopwatch(clock)
        var logger = logger
        logger[metadataKey: "lease"] = "\(configuration.namespace)/\(configuration.name)"
        logger[metadataKey: "identity"] = "\(configuration.identity)"
        self.logger = logger
    }

    /// Whether this process leads now. It reads a clock and asks no server: check it right before each write.
    ///
    /// It becomes true just before ``run(onChange:)`` reports the gain. It becomes false at the end of the term, even
    /// before the loss is noticed and reported. It does not become true again before the report of the loss has
    /// returned.
    public var isLeading: Bool {
        let end = state.withLock { state in
            state.term.flatMap { $0.number == state.reported ? $0.end : nil }
        }
        // The clock is read last, since the process may be stopped at any instruction.
        return end.map { stopwatch.elapsed < $0 } ?? false
    }

    /// The identity of the lease's holder as it was last seen; `nil` when the lease is free or has not been read.
    public var holder: String? { state.withLock { $0.holder } }

    /// The identity of the lease's holder, where that is another candidate; else `nil`.
    public var otherHolder: String? { holder.flatMap { $0 == configuration.identity ? nil : $0 } }

    /// Why the last attempt to read or write the lease failed; `nil` after a success. The message names a missing
    /// permission.
    public var interruption: KubernetesError? { state.withLock { $0.interruption?.error } }

    /// For how long every attempt to read or write the lease has failed; `nil` after a success.
    public var interruptionAge: Duration? {
        state.withLock { $0.interruption?.since }.map { stopwatch.elapsed - $0 }
    }

    /// Competes for the lease until the task is cancelled or the client is shut down. Call it once at a time.
    ///
    /// At the end the process stops leading, reports that, waits until the report has returned, and releases the lease
    /// if it still holds it, so that another candidate can lead at once. The release is sent although the task is
    /// cancelled. It takes at most 2 seconds.
    ///
    /// - Parameter onChange: receives true when this process starts to lead, and false when it has stopped, in turn.
    ///   The election goes on while it runs, but calls it again only after it has returned. After a loss, return when
    ///   no write is under way.
    public func run(onChange: @escaping @Sendable (_ isLeading: Bool) async -> Void) async {
        state.withLock { $0 = State() }
        var machine = LeaderElectionStateMachine(configuration)
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.report(to: onChange) }
                await compete(with: &machine)
                end()
            }
        } onCancel: {
            end()
        }
        await release(machine)
    }
}
