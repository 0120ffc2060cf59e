import Bridge
import Kubernetes
import KubernetesDelivery
import Logging
import Sandbox
import ServiceLifecycle
import Translation
import ZooKeeper
import ZooKeeperRegistry

/// Runs the sandbox's servers, the bridge between them, and a scene of providers.
struct Demo: Service {
    let once: Bool
    let logger: Logger

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await withZooKeeperServer { registry in
                    try await withAPIServer(APIServer(namespaces: ["default", DemoScene.namespace])) { cluster in
                        try await play(registry, cluster)
                    }
                }
            } catch  where Task.isCancelled {
                // An error of a cancelled scene is no failure: the program stops.
            }
        }
    }

    private func play(_ registry: ZooKeeperServer, _ cluster: APIServer) async throws {
        try await registry.makePath("/dubbo")
        let url = try await cluster.address.url
        let servers = try ConnectionString(try await registry.address)
        try StandardOutput.write(
            """
            A registry and an API server in memory, and the bridge between them.

              ZooKeeper   \(servers)
              API server  \(url)
              to watch:   kubectl --server \(url) get serviceentries -A -w


            """)
        let bridge = try BridgeService(
            BridgeConfiguration(
                registries: [.init(name: "sandbox", settings: ZooKeeperSettings(servers: servers))],
                translation: TranslationPolicy(
                    namespace: DemoScene.namespace, formats: Kinds.standard.formats),
                deliveries: [ClusterSettings(name: "sandbox", configuration: ClusterConfiguration(server: url))]),
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bridge.run() }
            group.addTask {
                let scene = DemoScene(registry: registry, servers: servers, cluster: cluster)
                repeat {
                    try await scene.play(pause: once ? .zero : .seconds(2))
                } while !once
            }
            // The scene ends by itself or by a failure. The bridge ends by a failure only.
            try await group.next()
            group.cancelAll()
        }
    }
}
