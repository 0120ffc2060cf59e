internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

/// Decisions are made for each service, and for each registry that announces it.
extension FaultTests {
    private static func url(_ host: String, scheme: String = "dubbo", _ interface: String = orders) -> String {
        "\(scheme)://\(host):20880/\(interface)?application=shop&interface=\(interface)&side=provider"
    }

    private static func path(_ root: String, _ host: String, _ interface: String = orders) -> String {
        "\(root)/\(interface)/providers/" + Scene.encoded(url(host, interface))
    }

    /// Two roots of one ZooKeeper. The second one is reached through a proxy.
    private static func configuration(_ scene: Scene, _ proxy: ChaosProxy, second name: String) -> String {
        """
        registries:
          - name: zk
            zookeeper: { servers: ["\(scene.connectString)"], sessionTimeout: 4s }
          - name: \(name)
            zookeeper: { servers: ["\(proxy.address)"], sessionTimeout: 4s, dubbo: { root: /west } }
        translation: { namespace: \(scene.namespace) }
        delivery: { kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }] }
        leadership: off

        """
    }

    private static func with(_ configuration: String, _ body: (RunningBridge) async throws -> Void) async throws {
        let bridge = try RunningBridge(configuration)
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    private static func wait(_ scene: Scene, for hosts: [Int]) async throws {
        _ = try await scene.entry("com.acme.orders") { entry in
            Set(entry.endpoints(on: "tcp-dubbo")) == Set(hosts.map { "10.1.0.\($0):20880" })
        }
    }

    @Test("fault 27: one of two registries is down at the start, and then also has another name: the other goes on")
    func oneOfTwoRegistries() async throws {
        try await Self.withProxy { scene, proxy in
            func change(_ create: [String] = [], _ delete: [String] = []) async throws {
                try await scene.withZooKeeper { client in
                    for path in create { _ = try await client.create(path) }
                    for path in delete { try await client.delete(path) }
                }
            }
            try await scene.withZooKeeper { client in
                for path in ["/dubbo/\(Self.orders)", "/west/\(Self.orders)", "/west/\(Self.stock)"] {
                    try await client.ensurePath(path + "/providers")
                }
            }
            try await change(
                [1, 2, 3].map { Self.path("/dubbo", "10.1.0.\($0)") }
                    + [3, 4, 5].map { Self.path("/west", "10.1.0.\($0)") }
                    + [Self.path("/west", "10.1.0.9", Self.stock)])
            try await Self.with(Self.configuration(scene, proxy, second: "west")) { _ in
                try await Self.wait(scene, for: [1, 2, 3, 4, 5])
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
            }
            let stock = try await scene.entries()["com.acme.stock"]

            try await proxy.refuse()
            try await change(
                [Self.path("/dubbo", "10.1.0.6")],
                [Self.path("/dubbo", "10.1.0.1"), Self.path("/dubbo", "10.1.0.3"), Self.path("/west", "10.1.0.4")])
            try await Self.planWithout(proxy, scene)
            try await Self.with(Self.configuration(scene, proxy, second: "west")) { bridge in
                // The second one had 3, too.
                try await Self.wait(scene, for: [2, 3, 4, 5, 6])
                try await change([Self.path("/dubbo", "10.1.0.7")], [Self.path("/dubbo", "10.1.0.2")])
                try await Self.wait(scene, for: [3, 4, 5, 6, 7])
                let status = try await bridge.status()
                let registries = status["registries"]?.array ?? []
                #expect(registries.map { $0["inMesh"]?["instances"] } == [2, 4])
                #expect(registries.map { $0["instances"] } == [2, 0])
            }
            try await change([], [Self.path("/dubbo", "10.1.0.7")])
            try await Self.with(Self.configuration(scene, proxy, second: "renamed")) { _ in
                try await Self.wait(scene, for: [3, 4, 5, 6])
                try await change([Self.path("/dubbo", "10.1.0.8")])
                try await Self.wait(scene, for: [3, 4, 5, 6, 8])
                #expect(try await scene.entries()["com.acme.stock"]?["spec"] == stock?["spec"])
                try await proxy.heal()
                // It is read, and 4 had left. Nobody can say that it was its: the name is another one.
                _ = try await scene.entry("com.acme.stock") { entry in
                    entry["metadata"]?["annotations"]?["isthmus.mesh/registries"] == "renamed"
                }
                try await Self.wait(scene, for: [3, 4, 5, 6, 8])
            }
        }
    }

    /// Fault 28: what can be said without a registry is planned, and the rest is named and left alone.
    private static func planWithout(_ proxy: ChaosProxy, _ scene: Scene) async throws {
        let folder = try TemporaryFolder(label: "partial")
        let file = try folder.write(configuration(scene, proxy, second: "west"), to: "isthmus.yaml")
        func run(_ command: String, _ more: String...) async throws -> CommandOutput {
            try await Scene.isthmus([command, "--config", file, "--timeout", "4"] + more)
        }
        let plan = try await run("plan")
        #expect(plan.status == .code(3), "\(plan.standardError)")
        #expect(plan.standardOutput.contains("+ endpoint 10.1.0.6:20880"))
        #expect(plan.standardOutput.contains("- endpoint 10.1.0.1:20880"))
        #expect(!plan.standardOutput.contains("- endpoint 10.1.0.3:20880"))
        #expect(plan.standardOutput.contains("Registry 'west' could not be read: "))
        let stock = ". default \(scene.namespace)/com.acme.stock\n"
        #expect(plan.standardOutput.contains(stock), "\(plan.standardOutput)")
        let json = try JSONValue(parsing: try await run("plan", "--output", "json").standardOutput).array ?? []
        #expect(json.map { $0["action"] } == ["change", "unread", "leave"])
        #expect(json.last?["registries"] == ["west"] && json.last?["name"] == "com.acme.stock")
        let refused = try await run("export")
        #expect(refused.status == .code(1) && refused.standardOutput.isEmpty)
        #expect(refused.standardError.contains("registry 'west' could not be read"), "\(refused.standardError)")
        #expect(refused.standardError.contains("--partial"))
        let partial = try await run("export", "--partial")
        #expect(partial.status == .code(0) && partial.standardError.contains("registry 'west' could not be read"))
        #expect(partial.standardOutput.contains("com.acme.orders"))
        #expect(!partial.standardOutput.contains("com.acme.stock"))
        let mistyped = try await run("plan", "--release", "wset")
        #expect(mistyped.status == .code(64) && mistyped.standardError.contains("known are west, zk"))
    }

    @Test("fault 32: what is left of a protocol that isn't carried goes like any other loss, after a restart too")
    func leftOvers() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.stock, 0..<2))
            let good = Self.url("10.1.0.1")
            try await scene.register(good, interface: Self.orders)
            try await scene.register(Self.url("10.1.0.9", scheme: "hessian"), interface: Self.orders)
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                try await scene.deregister(good, interface: Self.orders)
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 0 }
                try await scene.register(good, interface: Self.orders)
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                let status = try await bridge.status()
                #expect(status.registry.unreadable.isEmpty)
                #expect(status.registry["notes"]?.array?.map { $0["sort"] } == ["protocol:hessian"])
            }
            try await scene.deregister(good, interface: Self.orders)
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 0 }
                let status = try await bridge.status()
                // The same as before the restart.
                #expect(status.registry.unreadable.isEmpty)
                #expect(status.registry["instances"] == 2 && status.registry["inMesh"]?["instances"] == 2)
            }
        }
    }

    @Test("fault 33: a list that is too long after a restart: a new provider shows, and a dead one goes")
    func longList() async throws {
        try await Scene.run { scene in
            let long = "&methods=" + String(repeating: "m", count: 900)
            let providers = Provider.many(Self.orders, 0..<100, parameters: long)
            try await scene.register(providers)
            try await scene.withBridge(configured: BridgeOptions()) { _ in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 100 }
            }
            let options = BridgeOptions(registry: "replyLimit: 64KiB")
            try await scene.withBridge(configured: options) { bridge in
                try await bridge.status("the list is too long") { $0.registry.unreadable[Self.orders] != nil }
                try await scene.register(Self.url("10.9.0.2"), interface: Self.orders)
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 101 }
                try await scene.deregister([providers[7]])
                let entry = try await scene.entry("com.acme.orders") { $0.endpointCount == 100 }
                #expect(!entry.endpoints(on: "tcp-dubbo").contains(providers[7].address))
                let status = try await bridge.status()
                #expect(status.registry["inMesh"]?["instances"] == 100 && status.registry["instances"] == 1)
                #expect(status.registry["leftOver"]?["instances"] == 99)
            }
        }
    }

    @Test("fault 33: a list that must not be read after a restart: a new provider shows, and a dead one goes")
    func forbiddenList() async throws {
        try await Scene.run { scene in
            let providers = Provider.many(Self.orders, 0..<3)
            try await scene.register(providers)
            try await scene.withBridge(configured: BridgeOptions()) { _ in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 3 }
            }
            try await scene.withZooKeeper { client in
                try await client.setACL(
                    of: "/dubbo/\(Self.orders)/providers", to: [.anyone([.create, .delete, .write, .admin])])
            }
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                try await bridge.status("the list is forbidden") { $0.registry.unreadable[Self.orders] != nil }
                try await scene.register(Self.url("10.9.0.2"), interface: Self.orders)
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 4 }
                try await scene.deregister([providers[1]])
                let entry = try await scene.entry("com.acme.orders") { $0.endpointCount == 3 }
                #expect(!entry.endpoints(on: "tcp-dubbo").contains(providers[1].address))
            }
        }
    }
}
