package import Deliveries
package import IstioAPI
package import Kubernetes
package import Logging
package import Planning

/// Writes ServiceEntries to a cluster's API server and keeps them as they should be.
///
/// One watch follows the objects that carry the owner's labels; workers take resources from a queue, plan the step from what
/// is to what should be, and carry it out. Objects of others are never cached and never touched.
package actor ClusterDelivery: Delivery {
    /// The client should have a connection for each write, and some to read with.
    package static let standardConcurrency = 4...64

    package nonisolated let name: String
    let client: KubernetesClient
    let namespace: String
    let ownership: Ownership
    let elapsed: @Sendable () -> Duration
    var cache = ObjectCache()
    var contention = Contention()
    let workers: DeliveryWorkers
    private let leadership: (any Leadership)?
    private let resyncInterval: Duration?
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var type: ResourceType?
    /// Since the first list, when what is there is known.
    private var desired: (any DesiredState)?
    /// Whether something was left to another replica.
    var hasStoodBy = false
    /// Whether others have changed our objects since they were last listed, while this replica did not lead.
    package private(set) var isOutdated = false
    /// Between the beginning of leadership and the list that tells what the other replica left.
    private var isTakingOver = false
    private let lists = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - concurrency: How many writes may be under way at once; within this the limit follows what the API server can do.
    ///   - isPaced: Whether objects that keep changing are written less and less often.
    ///   - leadership: Without it nothing is written; `nil` for a replica that is alone.
    ///   - resyncInterval: How often everything is compared, whether or not something told of a change; `nil` for never.
    ///   - clock: Measures that, and the pauses before repetitions.
    package init(
        name: String, client: KubernetesClient, namespace: String, ownership: Ownership,
        concurrency: ClosedRange<Int> = standardConcurrency, isPaced: Bool = true, leadership: (any Leadership)? = nil,
        resyncInterval: Duration? = .seconds(600),
        logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.name = name
        self.client = client
        self.namespace = namespace
        self.ownership = ownership
        self.workers = DeliveryWorkers(
            name: name, concurrency: concurrency, isPaced: isPaced, logger: logger, clock: clock)
        self.leadership = leadership
        self.resyncInterval = resyncInterval
        self.clock = clock
        elapsed = clock.elapsing()
        self.logger = logger
    }

    package nonisolated func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package nonisolated func troubles(limit: Int) -> (items: [Trouble], total: Int) { workers.troubles(limit: limit) }
    package nonisolated var pending: Int { workers.pending }
    package nonisolated var obstacle: Obstacle? { workers.obstacle }

    nonisolated var isLeading: Bool { leadership?.isLeading ?? true }
    package nonisolated var isLed: Bool { leadership?.isLeading ?? false }

    package func run(desired: any DesiredState) async {
        guard let type = await waitForResourceType() else { return }
        await withTaskCancellationHandler {
            await follow(type, desired: desired)
        } onCancel: {
            workers.queue.finish()
        }
    }

    /// To be called when this replica begins to lead: what happened before was left to another one, whose work is looked at first.
    package func beginToLead() async {
        // A list that has begun is not given up for another one: where much changes, none would ever end.
        guard isLeading, !isTakingOver, hasStoodBy || isOutdated else { return }
        hasStoodBy = false
        guard isOutdated else { return await compareEverything() }
        isTakingOver = true
        lists.continuation.yield()
    }

    /// Has a look at every resource that is wanted or in the cluster. Where nothing differs, that costs no request.
    package func compareEverything() async {
        guard isLeading else {
            hasStoodBy = true
            return
        }
        guard let desired, !isTakingOver else { return }
        contention.forgetQuiet(now: elapsed())
        let wanted = await desired.everyKey()
        workers.add(Set(cache.keys).union(wanted))
    }

    // MARK: The API

    /// The newest version of the API that the server has.
    func resourceType() async throws(KubernetesError) -> ResourceType {
        if let type { return type }
        let served = try await client.servedVersions(group: ServiceEntry.group)
        for version in ["v1", "v1beta1", "v1alpha3"] where served.contains(version) {
            guard try await client.resources(group: ServiceEntry.group, version: version).contains(ServiceEntry.plural)
            else { continue }
            let found = ResourceType(
                group: ServiceEntry.group, version: version, plural: ServiceEntry.plural, kind: ServiceEntry.kind)
            type = found
            return found
        }
        throw KubernetesError(
            code: .notFound,
            message: "the API server does not know \(ServiceEntry.group)/\(ServiceEntry.kind): install Istio's CRDs")
    }

    /// `nil` when the task was cancelled, or the client shut down, before the server had one.
    private func waitForResourceType() async -> ResourceType? {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await resourceType()
            } catch {
                if error.code == .shutDown { return nil }
                let delay = max(backoff.next(), min(error.retryAfter ?? .zero, .seconds(60)))
                let reason = error.code == .notFound ? "\(error)" : explanation(of: error)
                workers.note(obstacle: reason)
                logger.error(
                    "nothing can be delivered yet", metadata: ["reason": "\(reason)", "retryIn": "\(delay)"])
                try? await Task.sleep(for: delay, clock: clock)
            }
        }
        return nil
    }
}

// MARK: - The view of the cluster

extension ClusterDelivery {
    /// Keeps the cache by list and watch. The workers start with the first complete list, when what is there is known.
    private func follow(_ type: ResourceType, desired: any DesiredState) async {
        let (starts, start) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in starts {
                    await withDiscardingTaskGroup { group in
                        group.addTask { await self.work(type, desired) }
                        group.addTask { await self.compareNowAndThen() }
                    }
                }
            }
            var mustListAgain = true
            while mustListAgain {
                mustListAgain = await withTaskGroup(of: Bool.self) { race in
                    race.addTask {
                        await self.watch(type, desired, start)
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

    private func watch(
        _ type: ResourceType, _ desired: any DesiredState, _ start: AsyncStream<Void>.Continuation
    ) async {
        var listed: [ActualObject] = []
        var watcher = client.watcher(
            type, namespace: namespace, labelSelector: ownership.labelSelector, listing: .full, watching: .metadataOnly)
        watcher.whenWatching = { [workers] in workers.note(obstacle: nil) }
        for await event in watcher {
            switch event {
            case .listBegins:
                cache.listBegins()
                listed = []
            case .object(let object):
                let actual = ActualObject(object)
                cache.listed(actual)
                // Whether this replica leads may change in the midst of a list, of which no half must be adopted.
                if self.desired == nil || leadership != nil { listed.append(actual) }
            case .listComplete:
                cache.listComplete()
                await take(listed, desired)
                listed = []
                start.yield()
                await compareEverything()
            case .changed(let object):
                let version = object.metadata.resourceVersion
                guard cache.observed(object.key, uid: object.metadata.uid, resourceVersion: version) else { break }
                changedByOthers(object.key)
            case .deleted(let object):
                guard cache.observedDeletion(object.key, uid: object.metadata.uid) else { break }
                // Nobody will ask for what another replica deleted.
                if !isLeading { _ = cache.takeLost(object.key) }
                changedByOthers(object.key)
            case .interrupted(let error, let delay):
                let reason = explanation(of: error)
                workers.note(obstacle: reason)
                logger.warning(
                    "the view of the cluster is interrupted",
                    metadata: ["reason": "\(reason)", "retryIn": "\(delay)"])
            }
        }
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
        isOutdated = false
        isTakingOver = false
    }

    private func begin(with listed: [ActualObject], _ desired: any DesiredState) async {
        logger.info(
            "read our objects in the cluster", metadata: ["namespace": "\(namespace)", "count": "\(listed.count)"])
        await desired.seed(listed, from: name)
        self.desired = desired
    }

    private nonisolated func work(_ type: ResourceType, _ desired: any DesiredState) async {
        await workers.run(
            desired: desired,
            isUrgent: { key in await self.needsRepair(key) },
            attempt: { key, wanted in await self.attempt(key, wanted, type) })
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
