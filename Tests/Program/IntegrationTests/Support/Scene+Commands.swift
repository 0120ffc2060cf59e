internal import IsthmusTesting
internal import JSON

extension Scene {
    /// Runs one of the commands that look once, by flags that name the scene's servers.
    func isthmus(_ command: String, _ arguments: String...) async throws -> CommandOutput {
        try await Self.isthmus([command] + connection() + arguments)
    }

    /// Runs the built program to its end.
    static func isthmus(_ arguments: [String]) async throws -> CommandOutput {
        // Colours are for terminals; what a developer's shell says about them must not matter.
        try await ChildProcess.run(ServerTools.builtProduct("isthmus"), arguments)
    }

    /// The flags that lead to the scene's ZooKeeper and namespace.
    ///
    /// - Parameters:
    ///   - root: of Dubbo's tree.
    ///   - kubeconfig: the API server's own by default.
    ///   - namespace: the scene's by default.
    func connection(
        root: String = "/dubbo", kubeconfig: String? = nil, context: String? = nil, namespace: String? = nil
    ) -> [String] {
        [
            "--registry", "zookeeper://\(connectString)\(root)",
            "--kubeconfig", kubeconfig ?? server.kubeconfig, "--namespace", namespace ?? self.namespace,
        ] + (context.map { ["--context", $0] } ?? [])
    }

    /// A configuration that leads to the scene's ZooKeeper and, unless `delivery` says otherwise, to its namespace.
    ///
    /// - Parameter zooKeeper: Further members of that section, such as `, sessionTimeout: 5s`.
    func configuration(
        servers: String? = nil, zooKeeper settings: String = "", translation: String = "", delivery: String? = nil
    ) -> String {
        """
        registries:
          - name: zk-main
            zookeeper: { servers: ["\(servers ?? connectString)"]\(settings) }
        translation:
          namespace: \(namespace)
          \(translation)
        delivery:
          \(delivery ?? "kubernetes: [{ kubeconfig: \(server.kubeconfig) }]")

        """
    }

    /// Returns when the log of a program says something.
    func wait(for text: String, in process: ChildProcess) async throws {
        try await eventually("the log says '\(text)'") {
            process.log
        } until: {
            $0.contains(text)
        }
    }
}

extension JSONValue {
    init(parsing text: String) throws {
        try self.init(parsing: Array(text.utf8))
    }
}
