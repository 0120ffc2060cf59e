internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging
internal import Testing

/// The API server refuses what is outdated, and forgets what was.
extension FaultTests {
    @Test("fault 12: an update that conflicts with the writes of others is planned anew until it is there")
    func conflict() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.orders, 0..<1))
            try await scene.withBridge(configured: BridgeOptions()) { _ in
                try await scene.waitUntilEqual()
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await scene.touchAgainAndAgain("com.acme.orders") }
                    defer { group.cancelAll() }
                    var count = 1
                    func register() async throws {
                        try await scene.register(Provider.many(Self.orders, count..<count + 1))
                        count += 1
                    }
                    for _ in 1..<20 {
                        try await register()
                        if count % 5 == 0 { try await scene.waitUntilEqual() }
                    }
                    try await eventually("a write has conflicted") {
                        if try scene.writes().contains(where: { $0.status == 409 }) { return true }
                        try await register()
                        return false
                    }
                    try await scene.waitUntilEqual()
                }
                let entry = try await scene.entry("com.acme.orders") { ($0.endpointCount ?? 0) >= 20 }
                #expect(entry["metadata"]?["annotations"]?["example.com/touched"] != nil)
            }
            #expect(try scene.writes().allSatisfy { [200, 201, 409].contains($0.status) })
        }
    }

    @Test(
        "fault 13: a list follows a watch whose past is compacted, and the cache serves until it is there"
    )
    func compaction() async throws {
        try await RealAPIServer.withServer(watchCache: false) { server in
            try await ChaosProxy.withProxy(to: server.port) { proxy in
                try await Scene.run(server: server) { scene in
                    let interfaces = (0..<10).map { "com.acme.Service\($0)" }
                    try await scene.register(interfaces.flatMap { Provider.many($0, 0..<2) })
                    let options = BridgeOptions(kubeconfig: try server.kubeconfig(through: proxy))
                    try await scene.withBridge(configured: options) { bridge in
                        try await scene.waitUntilEqual()
                        let lists = try scene.lists()
                        try await proxy.refuse()
                        await proxy.cut()
                        try await eventually("the bridge has noticed") {
                            bridge.log.contains("cluster view interrupted")
                        }
                        try await scene.edit("com.acme.service0", #"{"spec":{"hosts":["stolen.example"]}}"#)
                        try await server.kubectl(
                            "delete", "serviceentry", "com.acme.service1", "-n", scene.namespace)
                        try await scene.register(Provider.many(interfaces[2], 2..<3))
                        try await server.etcd.compact()
                        let before = try await scene.entries()
                        #expect(before.count == 9)
                        try await proxy.heal()
                        let edited = try await scene.entry("com.acme.service0") {
                            $0["spec"]?["hosts"] == ["com.acme.service0.mesh"]
                        }
                        #expect(edited.virtualAddresses == before["com.acme.service0"]?.virtualAddresses)
                        try await scene.waitUntilEqual()
                        #expect(try scene.lists() > lists)
                        // Those of whom nothing was wrong are as they were, to the resource version.
                        let after = try await scene.entries()
                        for number in 3..<10 {
                            #expect(after["com.acme.service\(number)"] == before["com.acme.service\(number)"])
                        }
                    }
                    #expect(
                        try await scene.writes(expecting: ["create": 11, "patch": 2]) == ["create": 11, "patch": 2])
                }
            }
        }
    }
}

extension Scene {
    /// Changes an object as a person does.
    func edit(_ name: String, _ patch: String) async throws {
        _ = try await server.kubectl("patch", "serviceentry", name, "-n", namespace, "--type", "merge", "-p", patch)
    }

    /// How many lists the bridge asked for in the namespace.
    fileprivate func lists() throws -> Int {
        try server.requests().count {
            $0.verb == "list" && $0.namespace == namespace && $0.userAgent.hasPrefix("isthmus/")
        }
    }

    /// Gives an object a new version some 50 times a second, until the task is cancelled.
    fileprivate func touchAgainAndAgain(_ name: String) async throws {
        let type = ResourceType(
            group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")
        let client = try KubernetesClient(
            ClusterConfiguration.kubeconfig(path: server.kubeconfig, context: nil), userAgent: "somebody/1",
            logger: Logger(label: "test"))
        for number in 1... {
            let patch: JSONValue = ["metadata": ["annotations": ["example.com/touched": .string("\(number)")]]]
            do {
                _ = try await client.mergePatch(type, name: name, namespace: namespace, body: patch)
                try await Task.sleep(for: .milliseconds(10))
            } catch {
                await client.shutdown()
                if !Task.isCancelled { throw error }
                return
            }
        }
    }
}
