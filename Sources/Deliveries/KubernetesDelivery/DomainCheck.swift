internal import Concurrency
internal import Deliveries
internal import Kubernetes
internal import Logging
internal import Synchronization

/// Looks now and then whether the domain of the hosts is a namespace of the cluster. Then the host `orders.<domain>` is
/// the Service `orders` of that namespace, and wins over a ServiceEntry.
final class DomainCheck: Sendable {
    private static let interval = Duration.seconds(600)
    private static let namespaces = ResourceType(group: "", version: "v1", plural: "namespaces", kind: "Namespace")

    private let domain: String
    private let client: KubernetesClient
    private let logger: Logger
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    /// Since when the namespace has been seen; monotonic.
    private let seen = Mutex<Duration?>(nil)

    /// `nil` for a domain that can't be the name of a namespace.
    init?(
        domain: String, client: KubernetesClient, logger: Logger, clock: any Clock<Duration> = ContinuousClock()
    ) {
        if domain.isEmpty || domain.contains(".") { return nil }
        self.domain = domain
        self.client = client
        self.logger = logger
        self.clock = clock
        stopwatch = Stopwatch(clock)
    }

    var condition: DeliveryCondition? {
        seen.withLock { $0 }.map { since in
            DeliveryCondition(
                reason:
                    "the domain '\(domain)' is a namespace of this cluster: a host such as 'orders.\(domain)' is the "
                    + "Service 'orders' there; choose another translation.domain",
                age: stopwatch.elapsed - since)
        }
    }

    func run() async {
        while !Task.isCancelled {
            await look()
            try? await Task.sleep(for: Self.interval, clock: clock)
        }
    }

    private func look() async {
        do throws(KubernetesError) {
            _ = try await client.get(Self.namespaces, name: domain, namespace: nil, representation: .metadataOnly)
            let isNew = seen.withLock { seen in
                defer { seen = seen ?? stopwatch.elapsed }
                return seen == nil
            }
            if isNew {
                logger.error("the hosts' domain is a namespace of the cluster", metadata: ["domain": "\(domain)"])
            }
        } catch  where error.code == .notFound {
            seen.withLock { $0 = nil }
        } catch {
            // Without the permission, or a server, nothing is known.
            logger.debug("namespaces not readable", metadata: ["domain": "\(domain)", "reason": "\(error)"])
        }
    }
}
