import Foundation
import IsthmusTesting
import Kubernetes
import Logging
import ZooKeeper

/// How long a change in the registry takes to stand in the cluster, and what the bridge asks for when nothing changes.
///
/// Real servers on loopback, the bridge as its release build. Each change is compared with what the API server alone needs: a client that
/// only writes the same kind of patch, seen through the same watch, in the same run.
@main
struct Propagation {
    static let changes = 200
    static let idle = Duration.seconds(30)
    static let host = "com.acme.measured"
    static let interface = "com.acme.Measured"
    static let type = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")

    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: Propagation PATH-OF-ISTHMUS")
            exit(64)
        }
        let server = try await RealAPIServer.start(namespaces: ["measured"])
        let zooKeeper = try await RealZooKeeper.start()
        let folder = try TemporaryFolder(label: "propagation")
        let bridge = try ChildProcess.start(
            "isthmus", executable: CommandLine.arguments[1],
            arguments: [
                "run", "--registry", "zookeeper://\(zooKeeper.connectString)/dubbo", "--kubeconfig", server.kubeconfig,
                "--namespace", "measured", "--log-level", "warning",
            ],
            log: folder.path(of: "log"))
        let cluster = try KubernetesClient(
            .kubeconfig(path: server.kubeconfig, context: nil), userAgent: "propagation",
            logger: Logger(label: "propagation"))
        let registry = ZooKeeperClient(try ConnectionString(zooKeeper.connectString))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            try await registry.ensurePath("/dubbo/\(interface)/providers")
            try await measure(registry: registry, cluster: cluster)
            try await measureIdle(server: server, zooKeeper: zooKeeper)
            group.cancelAll()
        }
        _ = await bridge.stop()
        await cluster.shutdown()
        await zooKeeper.stop()
        await server.stop()
    }

    private static func measure(registry: ZooKeeperClient, cluster: KubernetesClient) async throws {
        var events = cluster.watcher(type, namespace: "measured", listing: .metadataOnly, watching: .metadataOnly)
            .makeAsyncIterator()
        func nextChange() async throws {
            while let event = await events.next() {
                if case .changed = event { return }
            }
        }
        while let event = await events.next() {
            if case .listComplete = event { break }
        }
        func register(_ number: Int) async throws {
            let url =
                "dubbo%3A%2F%2F10.1.\(number / 250).\(number % 250 + 1)%3A20880%2F\(interface)%3Finterface%3D\(interface)"
            try await registry.create("/dubbo/\(interface)/providers/\(url)")
        }
        try await register(0)
        try await nextChange()

        var throughBridge: [Duration] = []
        var writerAlone: [Duration] = []
        for number in 1...changes {
            var start = ContinuousClock.now
            try await register(number)
            try await nextChange()
            throughBridge.append(start.duration(to: .now))

            // A field that the bridge doesn't own, so that it has nothing to repair.
            start = .now
            _ = try await cluster.mergePatch(
                type, name: host, namespace: "measured",
                body: Array(#"{"metadata":{"annotations":{"propagation":"\#(number)"}}}"#.utf8))
            try await nextChange()
            writerAlone.append(start.duration(to: .now))
        }
        report("registry change → object seen in the cluster", throughBridge)
        report("the same object written by a bare client    ", writerAlone)
        print("ratio of the medians: \(rounded(percentile(50, throughBridge) / percentile(50, writerAlone)))")
    }

    /// Requests of the bridge to both sides while nothing changes.
    private static func measureIdle(server: RealAPIServer, zooKeeper: RealZooKeeper) async throws {
        let before = try server.requests().count { $0.userAgent.hasPrefix("isthmus/") }
        try await Task.sleep(for: idle)
        let requests = try server.requests().filter { $0.userAgent.hasPrefix("isthmus/") }.dropFirst(before)
        print(
            "idle for \(idle): \(requests.count) requests of the bridge to the API server \(requests.map(\.description))"
        )
        let connections = try await zooKeeper.answer(to: "cons")
        print("ZooKeeper's view of its connections (lop: the last operation):\n\(connections)")
    }

    private static func percentile(_ percent: Int, _ values: [Duration]) -> Double {
        let sorted = values.sorted()
        return sorted[min(sorted.count * percent / 100, sorted.count - 1)] / .milliseconds(1)
    }

    private static func report(_ name: String, _ values: [Duration]) {
        print(
            "\(name): p50 \(rounded(percentile(50, values))) ms, p99 \(rounded(percentile(99, values))) ms, n \(values.count)"
        )
    }

    private static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
