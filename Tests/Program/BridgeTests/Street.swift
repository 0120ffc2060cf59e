import Bridge
import Catalog
import Deliveries
import Dubbo
import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Kubernetes
import KubernetesDelivery
import Logging
import Pipeline
import Planning
import Sandbox
import Testing
import Translation
import ZooKeeper
import ZooKeeperRegistry

/// The whole street on doubles: an API server in memory, on the real wire protocol, and what the bridge runs between
/// that and a ZooKeeper.
struct Street: Sendable {
    /// What a test chooses.
    struct Plan: Sendable {
        var guardPolicy: GuardPolicy? = GuardPolicy()
        var sessionTimeout = Duration.seconds(30)
        var leadership: (any Leadership)?
        var token: ClusterConfiguration.Token?
        /// Of the delivery; its client's is the same, unless a test moves it.
        var clock: any Clock<Duration> = HastyClock()
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }

    static let namespace = "dubbo"

    let cluster: APIServer
    let pipeline: PipelineActor
    let delivery: ClusterDelivery

    /// Runs for as long as the body does, with a ZooKeeper in memory, which has Dubbo's root.
    static func run(
        _ plan: Plan = Plan(), _ body: @escaping @Sendable (Street, ZooKeeperServer) async throws -> Void
    ) async throws {
        try await withCluster { cluster in
            try await withZooKeeperServer { registry in
                try await registry.makePath("/dubbo")
                try await run(plan, cluster, registry: try await registry.address) { try await body($0, registry) }
            }
        }
    }

    static func withCluster(_ body: @Sendable (APIServer) async throws -> Void) async throws {
        try await withAPIServer(APIServer(namespaces: ["default", namespace])) { try await body($0) }
    }

    static func run(
        _ plan: Plan, _ cluster: APIServer, registry: String, _ body: @Sendable (Street) async throws -> Void
    ) async throws {
        let configuration = ClusterConfiguration(server: try await cluster.address.url, token: plan.token)
        let clientClock: any Clock<Duration> = plan.clock is ManualClock ? ContinuousClock() : plan.clock
        let client = try KubernetesClient(
            configuration, userAgent: "test", logger: plan.logger, clock: clientClock)
        let delivery = ClusterDelivery(
            name: "cluster", client: client, namespace: namespace, ownership: FakeCluster.ownership,
            leadership: plan.leadership, resyncInterval: nil, logger: plan.logger, clock: plan.clock)
        let pipeline = PipelineActor(
            policy: .init(namespace: namespace), guardPolicy: plan.guardPolicy, registries: ["zk"],
            deliveries: [delivery], logger: plan.logger)
        var settings = ZooKeeperClient.Configuration()
        settings.sessionTimeout = plan.sessionTimeout
        let source = ZooKeeperSource(
            name: "zk", client: ZooKeeperClient(try ConnectionString(registry), configuration: settings),
            root: "/dubbo", decoder: ProviderDecoder(keptParameters: []), logger: plan.logger)
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await delivery.run(desired: pipeline) }
                group.addTask { await pipeline.follow(source) }
                group.addTask { await pipeline.keepTime() }
                defer { group.cancelAll() }
                try await body(Street(cluster: cluster, pipeline: pipeline, delivery: delivery))
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown()
        try outcome.get()
    }

    // MARK: Looking at the cluster

    /// The addresses that calls of an object's host go to; `nil` where there is no object.
    func endpoints(_ name: String) async -> [String]? { Self.endpoints(name, in: await cluster.store) }

    func object(_ name: String) async -> JSONObject? {
        await cluster.store.object(.serviceEntry, namespace: Self.namespace, name: name)
    }

    /// Returns when the object's endpoints have these addresses.
    func wait(for name: String, _ endpoints: [String]) async throws {
        try await cluster.wait { Self.endpoints(name, in: $0) == endpoints }
    }

    /// Returns when nothing waits for a look any more.
    func settle() async throws {
        try await yield(while: delivery.report(limit: 0).pending > 0)
    }

    static func endpoints(_ name: String, in store: ResourceStore) -> [String]? {
        let entries = store.objects(.serviceEntry, namespace: namespace).compactMap {
            ConfigObject($0, kind: .serviceEntry)
        }
        let workloads = store.objects(.workloadEntry, namespace: namespace).compactMap {
            ConfigObject($0, kind: .workloadEntry)
        }
        return entries.first { $0.name == name }.map { Istiod(entries + workloads).addresses(of: $0) }
    }
}

extension ZooKeeperServer {
    static func node(_ host: Int) -> String { "dubbo%3A%2F%2F10.0.0.\(host)%3A20880" }

    func register(_ interface: String, _ host: Int) throws {
        try register(interface, node: Self.node(host))
    }

    func register(_ interface: String, node: String) throws {
        try makePath("/dubbo/\(interface)/providers/\(node)")
    }

    func deregister(_ interface: String, _ host: Int) throws {
        try perform(.delete(path: "/dubbo/\(interface)/providers/\(Self.node(host))", version: -1))
    }

    /// Makes the bridge read everything again.
    func interrupt() {
        dropConnections()
    }
}
