package import Deliveries
package import IstioAPI
package import Kubernetes
package import Logging
package import Planning

/// Writes ServiceEntries and WorkloadEntries to a cluster's API server and keeps them as they should be.
///
/// A watch for each kind follows the objects that carry the owner's labels; workers take resources from a queue, plan the step from what
/// is to what should be, and carry it out. Objects of others are never cached and never touched.
package actor ClusterDelivery: StatefulDelivery {
    /// The client should have a connection for each write, and some to read with.
    package static let standardConcurrency = 4...64

    package nonisolated let name: String
    let client: KubernetesClient
    let namespace: String
    package nonisolated let ownership: Ownership
    let elapsed: @Sendable () -> Duration
    var caches: [ResourceKind: ObjectCache] = [.serviceEntry: ObjectCache(), .workloadEntry: ObjectCache()]
    var moves: EndpointMoves
    /// ServiceEntries that are being patched, objects that are being deleted, and objects with a write of unknown outcome. Until the write is
    /// confirmed, the cluster may hold the old or the new version.
    var uncertain: Set<ResourceKey> = []
    /// Whether WorkloadEntries are followed, and can be written.
    var hasWorkloads = false
    var conflicts = FieldConflicts()
    let workers: DeliveryWorkers
    let pacing: ClusterPacing
    private let leadership: (any Leadership)?
    private let resyncInterval: Duration?
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let usesWorkloads: Bool
    private var types: [ResourceKind: ResourceType] = [:]
    /// The first complete list of each kind, until all are there.
    private var round: [ResourceKind: [ActualObject]]? = [:]
    /// Since the first list, when what is there is known.
    private var desired: (any DesiredState)?
    /// Whether something was left to another replica.
    var hasStoodBy = false
    /// Whether others have changed our objects since they were last listed, while this replica did not lead.
    package private(set) var isOutdated = false
    /// Between the beginning of leadership and the list that tells what the other replica left.
    private(set) var isTakingOver = false
    private let lists = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - usesWorkloads: Whether WorkloadEntries may become wanted. Otherwise they are followed only where some are there.
    ///   - settleTime: How long istiod may take to see what our own watch has seen.
    ///   - concurrency: How many writes may be under way at once; within this the limit follows what the API server can do.
    ///   - isPaced: Whether objects that keep changing are written less and less often.
    ///   - leadership: Without it nothing is written; `nil` for a replica that is alone.
    ///   - resyncInterval: How often everything is compared, whether or not something told of a change; `nil` for never.
    ///   - clock: Measures that, and the pauses before repetitions.
    package init(
        name: String, client: KubernetesClient, namespace: String, ownership: Ownership,
        usesWorkloads: Bool = false, settleTime: Duration = .seconds(2),
        concurrency: ClosedRange<Int> = standardConcurrency, isPaced: Bool = true, leadership: (any Leadership)? = nil,
        resyncInterval: Duration? = .seconds(600), logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.name = name
        self.client = client
        self.namespace = namespace
        self.ownership = ownership
        self.usesWorkloads = usesWorkloads
        moves = EndpointMoves(settleTime: settleTime)
        pacing = ClusterPacing(concurrency: concurrency, isPaced: isPaced, clock: clock)
        workers = DeliveryWorkers(name: name, pacing: pacing, logger: logger, clock: clock)
        self.leadership = leadership
        self.resyncInterval = resyncInterval
        self.clock = clock
        elapsed = clock.elapsing()
        self.logger = logger
    }

    package nonisolated func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package nonisolated func report(limit: Int) -> DeliveryReport {
        let state = leadership.map { $0.isLeading ? LeadershipState.leading : .standby(holder: nil) }
        return workers.report(limit: limit, leadership: state ?? .notElected)
    }

    nonisolated var isLeading: Bool { leadership?.isLeading ?? true }

    package func run(desired: any DesiredState) async {
        guard await waitForResourceType(.serviceEntry) != nil else { return }
        await withTaskCancellationHandler {
            await follow(desired)
        } onCancel: {
            workers.queue.finish()
        }
    }

    /// To be called when this replica begins to lead: what happened before was left to another one, whose work is looked at first.
    package func beginToLead() async {
        // A list that has begun is not given up for another one: where much changes, none would ever end.
        guard isLeading, !isTakingOver, hasStoodBy || isOutdated else { return }
        hasStoodBy = false
        guard isOutdated else {
            moves.restart()
            return await compareEverything()
        }
        isTakingOver = true
        lists.continuation.yield()
    }

    /// Has a look at every resource that is wanted or in the cluster, after whatever else there is to do. Where nothing differs, that costs
    /// no request.
    package func compareEverything() async {
        guard isLeading else {
            hasStoodBy = true
            return
        }
        guard let desired, !isTakingOver else { return }
        conflicts.forgetQuiet(now: elapsed())
        let wanted = await desired.everyKey()
        workers.add(Set(caches.values.flatMap(\.keys)).union(wanted).union(uncertain), isInBackground: true)
    }

    // MARK: The API

    /// The newest version of the API that the server has.
    func resourceType(_ kind: ResourceKind) async throws(KubernetesError) -> ResourceType {
        if let type = types[kind] { return type }
        let served = try await client.servedVersions(group: ResourceKind.group)
        for version in ["v1", "v1beta1", "v1alpha3"] where served.contains(version) {
            guard try await serves(kind, version) else { continue }
            let found = ResourceType(
                group: ResourceKind.group, version: version, plural: kind.plural, kind: kind.rawValue)
            types[kind] = found
            return found
        }
        throw KubernetesError(
            code: .notFound,
            message: "the API server does not know \(ResourceKind.group)/\(kind.rawValue): install Istio's CRDs")
    }

    /// A version that comes or goes may be told of and not be there.
    private func serves(_ kind: ResourceKind, _ version: String) async throws(KubernetesError) -> Bool {
        do throws(KubernetesError) {
            return try await client.resources(group: ResourceKind.group, version: version).contains(kind.plural)
        } catch  where error.code == .notFound {
            return false
        }
    }

    /// - Parameter isUnavailable: Told when the server doesn't know the kind.
    /// - Returns: `nil` when the task was cancelled, or the client shut down, before the server had one.
    private func waitForResourceType(
        _ kind: ResourceKind, isUnavailable: () async -> Void = {}
    ) async -> ResourceType? {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await resourceType(kind)
            } catch {
                if error.code == .shutDown { return nil }
                let delay = max(backoff.next(), min(error.retryAfter ?? .zero, .seconds(60)))
                let reason = error.code == .notFound ? "\(error)" : explanation(of: error, kind)
                workers.note(condition: reason, of: kind)
                logger.error(
                    "resource type unavailable",
                    metadata: ["kind": "\(kind.rawValue)", "reason": "\(reason)", "retryIn": "\(delay)"])
                if error.isUnavailability { await isUnavailable() }
                try? await Task.sleep(for: delay, clock: clock)
            }
        }
        return nil
    }

    func cache(of kind: ResourceKind) -> ObjectCache { caches[kind] ?? ObjectCache() }

    func known(_ key: ResourceKey) -> ObjectCache.Known? { caches[key.kind]?[key] }
}

// MARK: - The view of the cluster

extension ClusterDelivery {
    /// Keeps the caches by list and watch. The workers start with the first complete lists, when what is there is known.
    private func follow(_ desired: any DesiredState) async {
        let (starts, start) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in starts {
                    await withDiscardingTaskGroup { group in
                        group.addTask { await self.work(desired) }
                        group.addTask { await self.compareNowAndThen() }
                    }
                }
            }
            var mustListAgain = true
            while mustListAgain {
                round = [:]
                mustListAgain = await withTaskGroup(of: Bool.self) { race in
                    race.addTask {
                        await withDiscardingTaskGroup { watches in
                            watches.addTask { await self.watch(.serviceEntry, desired, start) }
                            watches.addTask { await self.watchWorkloads(desired, start) }
                        }
                        return false
                    }
                    race.addTask { await self.mustListAgain() }
                    defer { race.cancelAll() }
                    return await race.next() ?? false
                }
            }
            workers.queue.finish()
            group.cancelAll()
        }
    }

    private nonisolated func mustListAgain() async -> Bool {
        for await _ in lists.stream { return true }
        return false
    }

    /// Without them all goes on, with endpoints inline, unless there are services that have them.
    private func watchWorkloads(_ desired: any DesiredState, _ start: AsyncStream<Void>.Continuation) async {
        if !usesWorkloads, !hasWorkloads {
            guard await hasSome() else { return await complete(.workloadEntry, [], desired, start) }
        }
        let type = await waitForResourceType(.workloadEntry) { await complete(.workloadEntry, [], desired, start) }
        if type != nil { await watch(.workloadEntry, desired, start) }
    }

    /// Whether there are WorkloadEntries of ours, as far as we may know.
    private func hasSome() async -> Bool {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await !owned(.workloadEntry).isEmpty
            } catch {
                if error.code == .shutDown || error.isUnavailability { return false }
                try? await Task.sleep(for: backoff.next(), clock: clock)
            }
        }
        return false
    }

    private func watch(
        _ kind: ResourceKind, _ desired: any DesiredState, _ start: AsyncStream<Void>.Continuation
    ) async {
        // As long as the server serves the version that was found.
        while !Task.isCancelled, let type = types[kind], await !watch(type, kind, desired, start) {}
    }

    /// - Returns: Whether that is over for good, and not only for this version of the API.
    private func watch(
        _ type: ResourceType, _ kind: ResourceKind, _ desired: any DesiredState,
        _ start: AsyncStream<Void>.Continuation
    ) async -> Bool {
        var listed: [ActualObject] = []
        var watcher = client.watcher(
            type, namespace: namespace, labelSelector: ownership.labelSelector, listing: .full, watching: .metadataOnly)
        watcher.whenWatching = { [workers] in workers.note(condition: nil, of: kind) }
        for await event in watcher {
            switch event {
            case .listBegins:
                caches[kind]?.listBegins()
                listed = []
            case .object(let object):
                let actual = ActualObject(object, kind)
                caches[kind]?.listed(actual, now: elapsed())
                // Whether this replica leads may change in the midst of a list, of which no half must be adopted.
                if round != nil, self.desired == nil || leadership != nil { listed.append(actual) }
            case .listComplete:
                caches[kind]?.listComplete()
                if kind == .workloadEntry { hasWorkloads = true }
                await complete(kind, listed, desired, start)
                listed = []
            case .changed(let object):
                let key = object.key(kind)
                let version = object.metadata.resourceVersion
                guard
                    caches[kind]?.observed(
                        key, uid: object.metadata.uid, resourceVersion: version, now: elapsed()) == true
                else { break }
                changedByOthers(key)
            case .deleted(let object):
                let key = object.key(kind)
                guard caches[kind]?.observedDeletion(key, uid: object.metadata.uid) == true else { break }
                // Nobody will ask for what another replica deleted.
                if !isLeading { _ = caches[kind]?.takeLost(key) }
                changedByOthers(key)
            case .interrupted(let error, let delay):
                let reason = explanation(of: error, kind)
                workers.note(condition: reason, of: kind)
                logger.warning(
                    "cluster view interrupted",
                    metadata: ["reason": "\(reason)", "retryIn": "\(delay)"])
                if kind == .workloadEntry, error.isUnavailability, !hasWorkloads || isTakingOver {
                    // What was seen of them before does not help whoever takes over.
                    hasWorkloads = false
                    await complete(kind, [], desired, start)
                }
                if error.code == .notFound, await isServedOtherwise(type, kind) { return false }
            }
        }
        return true
    }

    /// Whether the server has the kind in another version only, as after an upgrade of Istio or the way back.
    private func isServedOtherwise(_ type: ResourceType, _ kind: ResourceKind) async -> Bool {
        types[kind] = nil
        guard let served = try? await resourceType(kind) else {
            types[kind] = type
            return false
        }
        return served != type
    }

    /// What is there is known when all kinds were listed.
    private func complete(
        _ kind: ResourceKind, _ listed: [ActualObject], _ desired: any DesiredState,
        _ start: AsyncStream<Void>.Continuation
    ) async {
        if var lists = round {
            lists[kind] = listed
            round = lists
            if lists.count == ResourceKind.allCases.count {
                // Services that have WorkloadEntries are known by these: not to see them is not to have none.
                let needsWorkloads = lists[.serviceEntry]?.contains(where: \.selectsWorkloads) ?? false
                if usesWorkloads, needsWorkloads, !hasWorkloads { return }
                // One kind that is listed again, alone, says nothing of the other one.
                round = hasWorkloads ? nil : [.workloadEntry: []]
                await take(lists.values.flatMap(\.self), desired)
            } else {
                // Or it is the one that could not be followed so far.
                guard self.desired != nil, !isTakingOver, kind == .workloadEntry, hasWorkloads else { return }
                round = nil
                if !isLeading { isOutdated = true }
            }
        } else if !isLeading {
            isOutdated = true
        }
        // Before the workers start: what they meet with first should not be looked at twice.
        await compareEverything()
        start.yield()
    }

    private func changedByOthers(_ key: ResourceKey) {
        if isLeading { workers.add([key]) } else { isOutdated = true }
    }

    /// What a complete list says.
    private func take(_ listed: [ActualObject], _ desired: any DesiredState) async {
        if self.desired == nil {
            await begin(with: listed, desired)
        } else if isTakingOver || !isLeading {
            await desired.adopt(listed, from: name)
        }
        moves.restart()
        isOutdated = false
        isTakingOver = false
    }

    private func begin(with listed: [ActualObject], _ desired: any DesiredState) async {
        logger.info(
            "owned objects read", metadata: ["namespace": "\(namespace)", "count": "\(listed.count)"])
        await desired.seed(listed, from: name)
        self.desired = desired
    }

    private nonisolated func work(_ desired: any DesiredState) async {
        await workers.run(
            desired: desired,
            isUrgent: { key in await self.needsRepair(key) },
            attempt: { key, wanted in await self.attempt(key, wanted, desired) })
    }

    private nonisolated func compareNowAndThen() async {
        guard let resyncInterval else { return }
        while true {
            do { try await Task.sleep(for: resyncInterval, clock: clock) } catch { return }
            await compareEverything()
        }
    }

    /// Nothing is read or written, and nothing tried again, while another replica leads.
    /// - Returns: Whether this one does, and knows what the other one left.
    func mayAct() async -> Bool {
        guard isLeading else {
            hasStoodBy = true
            return false
        }
        // Whoever should have said that this replica leads again may come late.
        if hasStoodBy || isOutdated { await beginToLead() }
        return !isTakingOver
    }
}
