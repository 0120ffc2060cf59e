import Foundation
import IsthmusTesting
import Kubernetes
import Logging
import ZooKeeper

/// A real ZooKeeper and a real API server on loopback, a client of each, and the bridge's release build.
public struct Stage: Sendable {
    public static let entries = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")
    public static let workloads = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "workloadentries", kind: "WorkloadEntry")

    public let server: RealAPIServer
    public let zooKeeper: RealZooKeeper
    public let cluster: KubernetesClient
    public let registry: ZooKeeperClient
    private static let agent = "benchmark"
    private let program: BridgeProgram
    private let folder: TemporaryFolder

    public static func run(_ program: BridgeProgram, _ body: @Sendable (Stage) async throws -> Void) async throws {
        let server = try await RealAPIServer.start()
        let zooKeeper = try await RealZooKeeper.start()
        let stage = Stage(
            server: server, zooKeeper: zooKeeper,
            cluster: try KubernetesClient(
                .kubeconfig(path: server.kubeconfig, context: nil), userAgent: agent,
                logger: Logger(label: "benchmark")),
            registry: ZooKeeperClient(try ConnectionString(zooKeeper.connectString)),
            program: program, folder: try TemporaryFolder(label: "benchmark"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stage.registry.run() }
            try await stage.registry.waitUntilConnected()
            try await body(stage)
            group.cancelAll()
        }
        await stage.cluster.shutdown()
        await zooKeeper.stop()
        await server.stop()
    }

    /// Starts the bridge, which writes to `namespace`; ends it after `body`.
    ///
    /// - Parameters:
    ///   - translation: A line for the section `translation` of Isthmus's configuration.
    ///   - pause: The silence after a burst of writes, as the configuration has it.
    public func withBridge(
        namespace: String, translation: String? = nil, pause: String = "130ms",
        _ body: (ChildProcess) async throws -> Void
    ) async throws {
        let configuration = try folder.write(
            """
            registries:
            - { name: zookeeper, zookeeper: { servers: ["\(zooKeeper.connectString)"] } }
            translation:
              namespace: \(namespace)
            \(translation.map { "  \($0)" } ?? "")
            delivery:
              kubernetes: [{ kubeconfig: \(server.kubeconfig), pause: \(pause) }]
            """, to: "\(namespace).yaml")
        let words = program.words(with: [
            "zookeeper": zooKeeper.connectString, "kubeconfig": server.kubeconfig, "namespace": namespace,
            "config": configuration,
        ])
        let bridge = try ChildProcess.start(
            "bridge", executable: words[0], arguments: Array(words.dropFirst()),
            log: folder.path(of: "\(namespace)-\(UInt32.random(in: 0...UInt32.max)).log"))
        do {
            try await body(bridge)
        } catch {
            print("what the bridge said last:\n\(bridge.log.suffix(2_000))")
            _ = await bridge.stop()
            throw error
        }
        _ = await bridge.stop()
    }

    /// The address of the provider with this number.
    public static func address(_ number: Int) -> String {
        "10.\(number / 62_500 % 250).\(number / 250 % 250).\(number % 250 + 1)"
    }

    /// Registers a provider of an interface whose directory stands.
    public func register(_ interface: String, _ number: Int) async throws {
        try await registry.create(path(interface, number))
    }

    public func deregister(_ interface: String, _ number: Int) async throws {
        try await registry.delete(path(interface, number))
    }

    private func path(_ interface: String, _ number: Int) -> String {
        let url =
            "dubbo%3A%2F%2F\(Self.address(number))%3A20880%2F\(interface)%3Fanyhost%3Dtrue%26application%3Dshop"
            + "%26dubbo%3D2.0.2%26interface%3D\(interface)%26methods%3Dget%2Clist%2Cput%26pid%3D\(number)"
            + "%26release%3D3.2.0%26side%3Dprovider%26timestamp%3D1700000000000%26version%3D1.0.0"
        return "/dubbo/\(interface)/providers/\(url)"
    }

    /// What the bridge asked of the API server so far.
    public func bridgeRequests() throws -> [AuditedRequest] {
        try server.requests().filter { request in
            !["\(Self.agent)", "kubectl/", "kube-apiserver/"].contains { request.userAgent.hasPrefix($0) }
        }
    }

    /// What takes part besides the bridge.
    public func versions() async throws -> [String] {
        struct Version: Decodable { let gitVersion: String }
        let answer = try await server.kubectl("get", "--raw", "/version")
        let version = try JSONDecoder().decode(Version.self, from: Data(answer.utf8)).gitVersion
        // `Zookeeper version: 3.8.0-…, built on …`
        let zooKeeper = try await zooKeeper.answer(to: "srvr").split(separator: "-").first?.split(separator: " ").last
        return ["kube-apiserver \(version)", "ZooKeeper \(zooKeeper ?? "of an unknown version")"]
    }
}

/// The value that so many of a hundred don't exceed.
public func percentile(_ percent: Int, _ durations: [Duration]) -> Duration {
    let sorted = durations.sorted()
    return sorted.isEmpty ? .zero : sorted[min(sorted.count * percent / 100, sorted.count - 1)]
}

public func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}
