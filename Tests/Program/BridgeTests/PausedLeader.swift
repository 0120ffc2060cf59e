import Deliveries
import IsthmusTesting
import JSON
import Kubernetes
import KubernetesDelivery
import Logging
import Sandbox
import Synchronization

/// A replica that stands for election on a clock and with connections of its own, and whose process can be paused
/// between a look at the lease and what follows from it.
final class PausedLeader: Leadership {
    let election: LeaderElection
    let clock = ManualClock()
    private let client: KubernetesClient
    private let pause = Mutex<Duration?>(nil)

    init(
        _ cluster: APIServer, wallClock: @escaping @Sendable () -> Duration = { .seconds(1_700_000_000) }
    ) async throws {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        client = try KubernetesClient(
            ClusterConfiguration(server: try await cluster.address.url), userAgent: "test", logger: silent)
        election = try LeaderElection(
            client: client, configuration: .init(name: "main", namespace: "default", identity: "one"), logger: silent,
            clock: clock, wallClock: wallClock)
    }

    var isLeading: Bool {
        let isLeading = election.isLeading
        if isLeading, let pause = pause.withLock({ $0.take() }) { clock.advance(by: pause) }
        return isLeading
    }

    /// The process stops right after it has next seen that it leads.
    func pauseAfterNextLook(for time: Duration) { pause.withLock { $0 = time } }

    var isToPause: Bool { pause.withLock { $0 != nil } }

    /// Stands for election while the body runs.
    func standing(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.election.run { _ in } }
                defer { group.cancelAll() }
                try await body()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown()
        try outcome.get()
    }

    /// Lets its time pass until it leads.
    func leads() async throws {
        while !election.isLeading {
            await clock.someoneSleeps()
            try Task.checkCancellation()
            if !election.isLeading { clock.advance(by: .seconds(1)) }
            await Task.yield()
        }
    }

    /// Lets two seconds pass, and waits until the lease is renewed.
    func renews(in cluster: APIServer) async throws {
        let version = await cluster.leaseVersion
        await clock.someoneSleeps()
        clock.advance(by: .seconds(2))
        try await cluster.wait { $0.leaseVersion != version }
    }
}

extension APIServer {
    var leaseVersion: JSONValue? { store.leaseVersion }

    /// Another replica takes the lease, or gives it back.
    func setLeader(_ identity: String) throws {
        try perform(
            ResourceStore.Request(
                .patch, .lease, namespace: "default", name: "main",
                body: ["spec": ["holderIdentity": .string(identity), "leaseDurationSeconds": 15]]))
    }
}

extension ResourceStore {
    fileprivate var leaseVersion: JSONValue? {
        object(.lease, namespace: "default", name: "main")?["metadata"]?["resourceVersion"]
    }
}
