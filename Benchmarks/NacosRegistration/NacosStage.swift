import Foundation
import IsthmusTesting
import Kubernetes
import Logging
import Measuring

/// A real r-nacos and a real API server on loopback, and the bridge's release build between them.
struct NacosStage: Sendable {
    static let namespace = "measured"

    let nacos: RealNacos
    let server: RealAPIServer
    let cluster: KubernetesClient
    private let program: String
    private let folder: TemporaryFolder

    static func run(_ program: String, _ body: @Sendable (NacosStage) async throws -> Void) async throws {
        let server = try await RealAPIServer.start(namespaces: [namespace])
        let nacos = try await RealNacos.start()
        let stage = NacosStage(
            nacos: nacos, server: server,
            cluster: try KubernetesClient(
                .kubeconfig(path: server.kubeconfig, context: nil), userAgent: "benchmark",
                logger: Logger(label: "benchmark")),
            program: program, folder: try TemporaryFolder(label: "benchmark"))
        do {
            try await body(stage)
        } catch {
            await stage.end()
            throw error
        }
        await stage.end()
    }

    private func end() async {
        await cluster.shutdown()
        await nacos.kill()
        await server.stop()
    }

    /// Starts the bridge, and ends it after `body`.
    func withBridge(_ body: (ChildProcess) async throws -> Void) async throws {
        let configuration = try folder.write(
            """
            registries:
            - { name: nacos, nacos: { servers: ["\(nacos.address)"] } }
            translation: { namespace: \(Self.namespace) }
            delivery: { kubernetes: [{ kubeconfig: \(server.kubeconfig) }] }
            """, to: "isthmus.yaml")
        let bridge = try ChildProcess.start(
            "bridge", executable: program, arguments: ["run", "--config", configuration],
            log: folder.path(of: "log"))
        do {
            try await body(bridge)
        } catch {
            print("what the bridge said last:\n\(bridge.log.suffix(2_000))")
            _ = await bridge.stop()
            throw error
        }
        _ = await bridge.stop()
    }

    /// Registers an instance that stays: nothing has to send beats for it.
    func register(_ service: String, _ number: Int) async throws {
        try await nacos.post([
            "serviceName": service, "ip": Stage.address(number), "port": "8080", "ephemeral": "false",
        ])
    }

    /// What the bridge asked of the API server so far.
    func bridgeRequests() throws -> [AuditedRequest] {
        try server.requests().filter { $0.userAgent.hasPrefix("isthmus/") }
    }
}

/// Runs a body for each number, so many at once.
func inParallel(_ count: Int, limit: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            if index >= limit { try await group.next() }
            group.addTask { try await body(index) }
        }
        try await group.waitForAll()
    }
}

/// The objects that a watch of the cluster has shown.
struct WatchedEntries {
    private var events: Watcher.AsyncIterator
    private(set) var names: Set<String> = []
    /// How often each was changed since it was listed or came.
    private(set) var changes: [String: Int] = [:]

    init(_ stage: NacosStage) {
        events = stage.cluster.watcher(
            Stage.entries, namespace: NacosStage.namespace, listing: .metadataOnly, watching: .metadataOnly
        ).makeAsyncIterator()
    }

    /// - Returns: The object that was changed, or came; `nil` for anything else.
    mutating func next() async throws -> String? {
        switch await events.next() {
        case .changed(let object):
            names.insert(object.metadata.name)
            changes[object.metadata.name, default: 0] += 1
            return object.metadata.name
        case .object(let object):
            names.insert(object.metadata.name)
            return nil
        case nil: throw CancellationError()
        default: return nil
        }
    }

    mutating func wait(until holds: (WatchedEntries) -> Bool) async throws {
        while !holds(self) { _ = try await next() }
    }

    mutating func wait(forChangeOf name: String) async throws {
        while try await next() != name {}
    }
}
