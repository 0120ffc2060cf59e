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
    package nonisolated let name: String
    let client: KubernetesClient
    let namespace: String
    let ownership: Ownership
    var cache = ObjectCache()
    private let workers: DeliveryWorkers
    private let workerCount: Int
    private let logger: Logger
    private var type: ResourceType?

    /// - Parameter workers: How many writes may be under way at once.
    package init(
        name: String, client: KubernetesClient, namespace: String, ownership: Ownership, workers: Int = 16,
        logger: Logger
    ) {
        self.name = name
        self.client = client
        self.namespace = namespace
        self.ownership = ownership
        self.workers = DeliveryWorkers(name: name, logger: logger)
        workerCount = workers
        self.logger = logger
    }

    package nonisolated func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package func run(desired: any DesiredState) async {
        guard let type = await waitForResourceType() else { return }
        await withTaskCancellationHandler {
            await follow(type, desired: desired)
        } onCancel: {
            workers.queue.finish()
        }
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

    /// `nil` when the task was cancelled before the server had one.
    private func waitForResourceType() async -> ResourceType? {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await resourceType()
            } catch {
                let delay = backoff.next()
                logger.error(
                    "nothing can be delivered yet", metadata: ["reason": "\(error)", "retryIn": "\(delay)"])
                try? await Task.sleep(for: delay)
            }
        }
        return nil
    }

    // MARK: The view of the cluster

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
                        group.addTask { [self] in
                            await workers.run(count: workerCount, desired: desired) { key, wanted in
                                await self.attempt(key, wanted, type)
                            }
                        }
                    }
                    workers.add(changed)
                case .changed(let object):
                    let version = object.metadata.resourceVersion
                    if cache.observed(object.key, uid: object.metadata.uid, resourceVersion: version) {
                        workers.add([object.key])
                    }
                case .deleted(let object):
                    if cache.observedDeletion(object.key, uid: object.metadata.uid) { workers.add([object.key]) }
                case .interrupted(let error, let delay):
                    logger.warning(
                        "the view of the cluster is interrupted",
                        metadata: ["reason": "\(error)", "retryIn": "\(delay)"])
                }
            }
            workers.queue.finish()
        }
    }
}
