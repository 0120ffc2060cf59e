internal import IsthmusTesting

/// What a bridge's configuration says beyond where the scene's servers are.
struct BridgeOptions: Sendable {
    /// Stands between the bridge and ZooKeeper.
    var zooKeeper: ChaosProxy?
    /// More keys of the registry's `zookeeper`, such as `sessionTimeout: 1s`.
    var registry = "sessionTimeout: 4s"
    /// The API server's own by default.
    var kubeconfig: String?
    var context: String?
    /// More keys of `translation`.
    var translation = ""
    /// By default a restart needs not wait for the lease of who was killed.
    var leadership = "off"
    /// More sections.
    var sections = ""
}

extension Scene {
    /// The bridge with a configuration file while the body runs; stopped by SIGTERM after that, which it must obey with
    /// exit code 0.
    func withBridge(
        configured options: BridgeOptions, _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(configuration(options))
        try await Self.stopping({ bridge.process }) { try await body(bridge) }
    }

    private func configuration(_ options: BridgeOptions) -> String {
        let servers = options.zooKeeper.map { $0.address + chroot } ?? connectString
        let context = options.context.map { ", context: \($0)" } ?? ""
        return """
            registries:
              - name: zk-main
                zookeeper:
                  servers: ["\(servers)"]
                  \(options.registry)
            translation:
              namespace: \(namespace)
              \(options.translation)
            delivery:
              kubernetes: [{ kubeconfig: \(options.kubeconfig ?? server.kubeconfig)\(context) }]
            leadership: \(options.leadership)
            \(options.sections)

            """
    }
}
