package import IstioAPI
internal import JSON
package import Kubernetes
package import Logging
package import Planning

/// Writes ServiceEntries to a cluster's API server and keeps them as they should be.
///
/// One watch follows the objects that carry the owner's labels; workers take keys from a queue, plan the step from what is to
/// what should be, and carry it out. Objects of others are never cached and never touched.
package actor ClusterDelivery: Delivery {
    package nonisolated let name: String
    nonisolated let queue = WorkQueue<ResourceKey>()
    let client: KubernetesClient
    let namespace: String
    let ownership: Ownership
    let workers: Int
    let logger: Logger
    var cache = ObjectCache()
    /// How often in a row the delivery of a key has failed.
    var failures: [ResourceKey: Int] = [:]

    /// - Parameter workers: How many writes may be under way at once.
    package init(
        name: String, client: KubernetesClient, namespace: String, ownership: Ownership, workers: Int = 16,
        logger: Logger
    ) {
        self.name = name
        self.client = client
        self.namespace = namespace
        self.ownership = ownership
        self.workers = workers
        self.logger = logger
    }

    package nonisolated func changed(_ keys: [ResourceKey]) {
        for key in keys { queue.add(key) }
    }

    package func run(desired: any DesiredState) async {
        guard let type = await findResourceType() else { return }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.follow(type, desired: desired) }
            }
        } onCancel: {
            queue.finish()
        }
    }

    /// The newest version of the API that the server has; waits for one that has none yet.
    private func findResourceType() async -> ResourceType? {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            var problem =
                "the API server does not know \(ServiceEntry.group)/\(ServiceEntry.kind): install Istio's CRDs"
            do throws(KubernetesError) {
                let served = try await client.servedVersions(group: ServiceEntry.group)
                for version in ["v1", "v1beta1", "v1alpha3"] where served.contains(version) {
                    let plurals = try await client.resources(group: ServiceEntry.group, version: version)
                    guard plurals.contains(ServiceEntry.plural) else { continue }
                    return ResourceType(
                        group: ServiceEntry.group, version: version, plural: ServiceEntry.plural,
                        kind: ServiceEntry.kind)
                }
            } catch {
                problem = "the API server does not answer: \(error)"
            }
            let delay = backoff.next()
            logger.error("nothing can be delivered yet", metadata: ["reason": "\(problem)", "retryIn": "\(delay)"])
            try? await Task.sleep(for: delay)
        }
        return nil
    }

    /// Keeps the cache by list and watch. The workers start with the first complete list, when what is there is known.
    private func follow(_ type: ResourceType, desired: any DesiredState) async {
        await withDiscardingTaskGroup { group in
            var isFirst = true
            var listed: [ActualObject] = []
            let events = client.watcher(
                type, namespace: namespace, labelSelector: ownership.labelSelector, listing: .full,
                watching: .metadataOnly)
            for await event in events {
                switch event {
                case .listBegins:
                    cache.listBegins()
                    listed = []
                case .object(let object):
                    let actual = ActualObject(object)
                    cache.listed(actual)
                    if isFirst { listed.append(actual) }
                case .listComplete:
                    let changed = cache.listComplete()
                    if isFirst {
                        isFirst = false
                        logger.info(
                            "read our objects in the cluster",
                            metadata: ["namespace": "\(namespace)", "count": "\(listed.count)"])
                        await desired.seed(listed, from: name)
                        listed = []
                        for _ in 0..<workers { group.addTask { await self.work(type, desired: desired) } }
                    }
                    for key in changed { queue.add(key) }
                case .changed(let object):
                    let key = object.key
                    let version = object.metadata.resourceVersion
                    if cache.observed(key, uid: object.metadata.uid, resourceVersion: version) { queue.add(key) }
                case .deleted(let object):
                    if cache.observedDeletion(object.key, uid: object.metadata.uid) { queue.add(object.key) }
                case .interrupted(let error, let delay):
                    logger.warning(
                        "the view of the cluster is interrupted",
                        metadata: ["reason": "\(error)", "retryIn": "\(delay)"])
                }
            }
            queue.finish()
        }
    }
}

extension APIObject {
    var key: ResourceKey { ResourceKey(namespace: metadata.namespace ?? "", name: metadata.name) }
}

extension ActualObject {
    package init(_ object: APIObject) {
        self.init(
            key: object.key, uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion,
            labels: object.metadata.labels, annotations: object.metadata.annotations, spec: object.json["spec"] ?? [:])
    }
}

/// Pauses between attempts: 0.5 s, doubling to 30 s, the upper half of each at random.
struct RetryBackoff {
    private var failures = 0

    mutating func next() -> Duration {
        defer { failures += 1 }
        return Self.delay(afterFailures: failures, ceiling: 30)
    }

    /// - Parameters:
    ///   - failures: In a row, before the one that just happened.
    ///   - ceiling: Seconds.
    static func delay(
        afterFailures failures: Int, ceiling: Double, jitter: Double = .random(in: 0.5...1)
    ) -> Duration {
        .seconds(min(0.5 * Double(1 << min(failures, 12)), ceiling) * jitter)
    }
}
