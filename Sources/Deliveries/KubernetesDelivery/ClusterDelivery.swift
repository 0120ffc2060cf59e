internal import Concurrency
package import Deliveries
package import IstioAPI
package import Kubernetes
package import Logging
package import Planning

/// Writes ServiceEntries and WorkloadEntries to a cluster's API server and keeps them as they should be.
///
/// A watch for each kind follows the objects that carry the owner's labels; workers take resources from a queue, plan
/// the step from what is to what should be, and carry it out. Objects of others are never cached and never touched.
package actor ClusterDelivery: StatefulDelivery {
    /// The client should have a connection for each write, and some to read with.
    package static let standardConcurrency = 4...64
    package static let standardRootNamespace = "istio-system"
    /// istiod waits for 100 ms without a change before it pushes.
    package static let standardPause = Duration.milliseconds(130)

    package nonisolated let name: String
    let client: KubernetesClient
    let namespace: String
    /// istiod's own, which holds the rules of the whole mesh.
    let rootNamespace: String
    private nonisolated let domain: String
    package nonisolated let ownership: Ownership
    let stopwatch: Stopwatch
    var caches: [ResourceKind: ObjectCache] = [.serviceEntry: ObjectCache(), .workloadEntry: ObjectCache()]
    var moves: EndpointMoves
    /// ServiceEntries that are being patched, objects that are being deleted, and objects with a write of unknown
    /// outcome. Until the write is confirmed, the cluster may hold the old or the new version.
    var uncertain: Set<ResourceKey> = []
    /// What is known of the cluster as a whole, and what this replica may do.
    var state: ClusterStateMachine
    var conflicts = FieldConflicts()
    /// Writes that the cluster refuses for reasons outside of the objects.
    var refusals = SharedRefusals()
    let workers: DeliveryWorkers
    let clock: any Clock<Duration>
    let logger: Logger
    let viewLog: ViewLog
    let usesWorkloads: Bool
    /// Who else has hosts of ours; `nil` where nobody looks.
    var foreign: ForeignHosts?
    let hostConflicts: HostConflicts
    /// What is not created because its service's host is taken, or not known to be free.
    var hostWaiters: [ResourceKey: Set<ResourceKey>] = [:]
    /// When each ServiceEntry of ours was created, as a one-shot reconcile found it.
    var standing: [ResourceKey: String] = [:]
    var hasReadHosts = false
    /// The newest version of each type that the server has.
    var types: [ResourceKind: ResourceType] = [:]
    /// Rules that are ours, or were wanted.
    var ruleKeys: Set<ResourceKey> = []
    /// Where objects may stand that operators publish.
    let manifests: ManifestScope
    /// Published objects that are ours, or were wanted.
    var manifestKeys: Set<ResourceKey> = []
    let ruleLooks = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let leadership: (any Leadership)?
    private let resyncInterval: Duration?
    /// How long the end of leadership waits for the writes under way.
    private let writeGrace: Duration
    private var writesUnderWay = 0
    private var idleWaiters: [CheckedContinuation<Void, Never>] = []
    /// While the delivery runs.
    private var desired: (any DesiredState)?
    /// Whether the workers may start: what is in the cluster is known.
    private let starts = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let lists = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - hosts: What our hosts are, so that nothing is created whose host somebody else has; `nil` not to look.
    ///   - rootNamespace: istiod's own, which holds the rules of the whole mesh.
    ///   - usesWorkloads: Whether WorkloadEntries may become wanted. Otherwise they are followed only where some are
    ///     there.
    ///   - manifests: Where objects may stand that operators publish.
    ///   - settleTime: How long istiod may take to see what our own watch has seen.
    ///   - concurrency: How many writes may be under way at once; within this the limit follows what the API server can
    ///     do.
    ///   - pause: How long nothing is written after a burst of writes; `nil` where writes are not paced.
    ///   - leadership: Without it nothing is written; `nil` for a replica that is alone.
    ///   - resyncInterval: How often everything is compared, whether or not something told of a change; `nil` for
    ///     never.
    ///   - writeGrace: How long the end of leadership waits for the writes under way.
    ///   - clock: Measures these times, and the delays before repetitions.
    package init(
        name: String, client: KubernetesClient, namespace: String, ownership: Ownership,
        hosts: HostScope? = nil, rootNamespace: String = standardRootNamespace,
        usesWorkloads: Bool = false, manifests: ManifestScope = ManifestScope(), settleTime: Duration = .seconds(2),
        concurrency: ClosedRange<Int> = standardConcurrency, pause: Duration? = standardPause,
        leadership: (any Leadership)? = nil,
        resyncInterval: Duration? = .seconds(600), writeGrace: Duration = .seconds(5), logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.name = name
        self.client = client
        self.namespace = namespace
        self.rootNamespace = rootNamespace
        self.ownership = ownership
        self.usesWorkloads = usesWorkloads
        self.manifests = manifests
        moves = EndpointMoves(settleTime: settleTime)
        workers = DeliveryWorkers(
            name: name, pacing: Pacing(concurrency: concurrency, pause: pause), logger: logger, clock: clock)
        state = ClusterStateMachine(usesWorkloads: usesWorkloads, isElected: leadership != nil)
        self.leadership = leadership
        self.resyncInterval = resyncInterval
        self.writeGrace = writeGrace
        self.clock = clock
        stopwatch = Stopwatch(clock)
        self.logger = logger
        foreign = hosts.map { ForeignHosts($0, views: $0.views(ownership)) }
        hostConflicts = HostConflicts(stopwatch: stopwatch, logger: logger)
        domain = hosts?.domain ?? ""
        viewLog = ViewLog(logger: logger, stopwatch: stopwatch)
    }

    package nonisolated func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package nonisolated func report(limit: Int) -> DeliveryReport {
        let state = leadership.map { $0.isLeading ? LeadershipState.leading : .standby(holder: nil) }
        var report = workers.report(limit: limit, leadership: state ?? .notElected)
        if limit > 0, hostConflicts.count > 0 {
            let conflicts = hostConflicts.failures
            report.failures = Array((conflicts + report.failures).sorted { $0.age > $1.age }.prefix(limit))
            report.failureGroups = FailureGroup.groups(of: conflicts) + report.failureGroups
        }
        report.failureCount += hostConflicts.count
        report.notes = hostConflicts.notes
        report.condition = report.condition ?? hostConflicts.domainCondition(domain)
        return report
    }

    nonisolated var isLeading: Bool { leadership?.isLeading ?? true }

    package func run(desired: any DesiredState) async {
        guard await waitForResourceType(.serviceEntry) != nil else { return }
        self.desired = desired
        state.begins()
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.workWhenStarted(desired) }
                group.addTask { await self.followForeignHosts() }
                group.addTask { await self.followRules() }
                group.addTask { await self.followManifests(desired) }
                await follow()
                workers.queue.finish()
                group.cancelAll()
            }
        } onCancel: {
            workers.queue.finish()
        }
    }

    // MARK: What the state machine wants

    func perform(_ action: ClusterStateMachine.Action) async {
        switch action {
        case .none:
            break
        case .seed(let objects):
            logger.info("owned objects read", metadata: ["namespace": "\(namespace)", "count": "\(objects.count)"])
            await desired?.seed(objects, from: name)
            await perform(state.handedOver(isLeading: isLeading))
            // The workers start after the comparison: what they meet first should not be looked at twice.
            starts.continuation.yield()
        case .adopt(let objects):
            await desired?.adopt(objects, from: name)
            await perform(state.handedOver(isLeading: isLeading))
        case .listAgain:
            lists.continuation.yield()
        case .compare:
            await lookAtEverything()
        case .compareAnew:
            moves.restart()
            await lookAtEverything()
        }
    }

    private func lookAtEverything() async {
        guard let desired else { return }
        conflicts.forgetQuiet(now: stopwatch.elapsed)
        let wanted = await desired.everyKey()
        workers.add(Set(caches.values.flatMap(\.keys)).union(wanted).union(uncertain), isInBackground: true)
        lookAtRules()
        workers.add(manifestKeys, isInBackground: true)
    }

    /// Has a look at every resource that is wanted or in the cluster, after whatever else there is to do. Where nothing
    /// differs, that costs no request.
    package func compareEverything() async { await perform(state.compares(isLeading: isLeading)) }

    private nonisolated func compareNowAndThen() async {
        guard let resyncInterval else { return }
        while true {
            do { try await Task.sleep(for: resyncInterval, clock: clock) } catch { return }
            await compareEverything()
        }
    }

    private nonisolated func work(_ desired: any DesiredState) async {
        await workers.run(
            desired: desired,
            isUrgent: { key in await self.needsRepair(key) },
            attempt: { key, wanted in await self.attempt(key, wanted, desired) })
    }

    /// Runs the workers from the moment on when what is in the cluster is known.
    private nonisolated func workWhenStarted(_ desired: any DesiredState) async {
        for await _ in starts.stream {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.work(desired) }
                group.addTask { await self.compareNowAndThen() }
            }
        }
    }

    func cache(of kind: ResourceKind) -> ObjectCache { caches[kind] ?? ObjectCache() }

    func known(_ key: ResourceKey) -> ObjectCache.Known? { caches[key.kind]?[key] }
}

// MARK: - Leadership

extension ClusterDelivery {
    /// Whether others have changed our objects since they were listed, while this replica did not lead.
    package var isOutdated: Bool { state.isOutdated }

    /// To be called when this replica begins to lead. Until then another replica wrote, whose work is looked at first.
    package func beginToLead() async {
        guard isLeading else { return }
        await perform(state.looks(isLeading: true))
    }

    /// To be called when this replica leads no longer. Returns when no write is under way, or when the time for that is
    /// over.
    package func endLeading() async {
        forgetAllWaits()
        hostConflicts.forget()
        _ = state.looks(isLeading: isLeading)
        guard writesUnderWay > 0 else { return }
        // A task of its own, since at a stop the caller is cancelled and can't sleep.
        let timeout = Task {
            do { try await Task.sleep(for: writeGrace, clock: clock) } catch { return }
            logger.warning("writes under way: the lease does not wait longer", metadata: ["count": "\(writesUnderWay)"])
            resumeIdleWaiters()
        }
        await withCheckedContinuation { idleWaiters.append($0) }
        timeout.cancel()
    }

    /// Nothing is read or written, and nothing tried again, while another replica leads.
    /// - Returns: Whether this replica leads, and knows what the other one left.
    func mayAct() async -> Bool {
        await perform(state.looks(isLeading: isLeading))
        return state.isServing
    }

    /// Asked last of all, right before a request that changes something.
    /// - Returns: Whether the request may be sent. `writeEnds` follows.
    func writeMayBegin() -> Bool {
        guard state.mayWrite(isLeading: isLeading) else { return false }
        writesUnderWay += 1
        return true
    }

    func writeEnds() {
        writesUnderWay -= 1
        if writesUnderWay == 0 { resumeIdleWaiters() }
    }

    private func resumeIdleWaiters() {
        for waiter in idleWaiters { waiter.resume() }
        idleWaiters = []
    }
}
