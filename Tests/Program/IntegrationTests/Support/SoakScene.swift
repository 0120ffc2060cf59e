internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import NIOCore
internal import Synchronization
internal import ZooKeeper

/// A ZooKeeper, a kube-apiserver, two replicas of the bridge behind bad networks, and everyone who changes and breaks
/// something.
struct SoakScene: Sendable {
    static let namespace = "soak"
    /// Seconds.
    static let guardWindow = 8

    let record: SoakRecord
    let zooKeeper: RealZooKeeper
    let server: RealAPIServer
    let replicas: [SoakReplica]
    let registry: ZooKeeperClient
    let cluster: SoakCluster
    let webhook: SoakWebhook

    /// Sets everything up, watches the cluster and the bridges' memory while the body runs, and takes it down.
    static func run(_ record: SoakRecord, _ body: (SoakScene) async throws -> Void) async throws {
        let logs = "\(ServerTools.packageRoot)/.build/soak-\(record.seed)"
        try? FileManager.default.removeItem(atPath: logs)
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        let folder = try TemporaryFolder(label: "soak")
        // Without a watch cache a compaction of etcd is felt.
        let hasCache = record.seed % 2 == 0
        try await RealAPIServer.withServer(namespaces: [namespace], watchCache: hasCache) { server in
            try await RealZooKeeper.withServer { zooKeeper in
                try await SoakWebhook.withWebhook(server) { webhook in
                    try await withProxies(["a", "b"], zooKeeper, server) { proxies in
                        let cluster = try SoakCluster(server)
                        let registry = ZooKeeperClient(try ConnectionString(zooKeeper.connectString))
                        let replicas = try proxies.map { name, toRegistry, toCluster in
                            try SoakReplica(
                                name, record: record, registryProxy: toRegistry, clusterProxy: toCluster,
                                server: server, folder: folder)
                        }
                        let scene = SoakScene(
                            record: record, zooKeeper: zooKeeper, server: server, replicas: replicas,
                            registry: registry, cluster: cluster, webhook: webhook)
                        try await scene.watched { try await body(scene) }
                        await cluster.client.shutdown()
                    }
                }
            }
        }
        try? FileManager.default.removeItem(atPath: logs)
    }

    private typealias Proxies = [(name: String, toRegistry: ChaosProxy, toCluster: ChaosProxy)]

    private static func withProxies(
        _ names: [String], _ zooKeeper: RealZooKeeper, _ server: RealAPIServer, _ proxies: Proxies = [],
        _ body: (Proxies) async throws -> Void
    ) async throws {
        guard let name = names.first else { return try await body(proxies) }
        try await ChaosProxy.withProxy(to: zooKeeper.port) { toRegistry in
            try await ChaosProxy.withProxy(to: server.port) { toCluster in
                try await withProxies(
                    Array(names.dropFirst()), zooKeeper, server, proxies + [(name, toRegistry, toCluster)], body)
            }
        }
    }

    private func watched(_ body: () async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await registry.run() }
            group.addTask { await cluster.observe(record) }
            group.addTask {
                while !Task.isCancelled {
                    for replica in replicas { replica.sample() }
                    try? await Task.sleep(for: .seconds(5))
                }
            }
            defer { group.cancelAll() }
            try await registry.waitUntilConnected()
            try await body()
            for replica in replicas {
                let status = await replica.current.stop()
                guard status == .code(0) else { throw TestSupportError("replica \(replica.name) ended with \(status)") }
            }
        }
    }

    // MARK: The course of it

    func soak(for duration: Duration) async throws {
        var toCome = SeededGenerator(seed: record.seed)
        var toFail = SeededGenerator(seed: ~record.seed)
        try await begin(&toCome)
        let end = ContinuousClock.now + duration
        var round = 0
        while ContinuousClock.now < end {
            round += 1
            let isLateHalf = end - .now < duration / 2
            record.update { $0.isRoundOver = false }
            record.log("round \(round)")
            let generator = toCome
            async let churned = churn(generator)
            do {
                try await failAgainAndAgain(until: min(.now + .seconds(15), end), sparingA: isLateHalf, &toFail)
            } catch {
                record.update { $0.isRoundOver = true }
                _ = try? await churned
                throw error
            }
            record.update { $0.isRoundOver = true }
            toCome = try await churned
            try await calm()
            if round % 3 == 1 { try await loseMany(round / 3, &toFail) }
        }
    }

    private func begin(_ generator: inout SeededGenerator) async throws {
        // One that nobody wants the name of, and one of another installation.
        try await cluster.create("theirs", labels: ["owner": "somebody"])
        try await cluster.create(
            "com.acme.soak.other",
            labels: ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "other"])
        let beginning = record.update { $0.registry.beginning(using: &generator) }
        try await perform(beginning)
        try await calm()
    }

    /// The bridge's writes by verb and answer.
    func writes() throws -> [String: Int] {
        let writes = try server.requests().filter {
            $0.isWrite && $0.resource == "serviceentries" && $0.userAgent.hasPrefix("isthmus/")
        }
        return Dictionary(grouping: writes) { "\($0.verb) \($0.status.map(String.init) ?? "?")" }.mapValues(\.count)
    }
}
