internal import IsthmusTesting
internal import JSON
internal import Testing

/// A bridge that follows a real Consul, with clients that no one here wrote.
@Suite("Consul", .realServers, .realConsul, .serialized, .timeLimit(.minutes(5)))
struct ConsulTests {
    private typealias Instance = RegistryProvider.Instance

    private static let readAll = #"service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }"#

    /// A bridge between a Consul and the scene's namespace while the body runs.
    private static func withBridge(
        _ scene: Scene, _ consul: RealConsul, _ keys: String = "wait: 10s",
        _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(
            """
            registries:
              - name: consul
                consul:
                  servers: ["\(consul.address)"]
                  \(keys.split(separator: "\n").joined(separator: "\n      "))
            translation: { namespace: \(scene.namespace) }
            delivery:
              kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }]
            leadership: off

            """)
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    /// A registry of which a part may go.
    private static func registerOthers(_ consul: RealConsul, count: Int = 20) async throws {
        for number in 1...count { try await consul.register("others", "10.7.0.\(number)") }
    }

    @Test("instances come, change, go into maintenance and leave: by a stop and by death")
    func life() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { consul in
                try await Self.registerOthers(consul)
                try await Self.withBridge(scene, consul) { _ in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    var first = Instance("cart", "10.8.0.1", 8080)
                    first.tags = ["version=2", "blue"]
                    let stopped = try await RegistryProvider.start("consul", at: consul.address, [first])
                    let killed = try await RegistryProvider.start(
                        "consul", at: consul.address, [Instance("cart", "10.8.0.2", 8080)])
                    let cart = try await scene.entry("cart") { $0.endpointCount == 2 }
                    #expect(Set(cart.endpoints(on: "http")) == ["10.8.0.1:8080", "10.8.0.2:8080"])
                    let labels = cart["spec"]?["endpoints"]?.array?.first?["labels"]
                    #expect(labels?["version"]?.string == "2" && labels?["consul.datacenter"]?.string == "dc1")

                    try await consul.setMaintenance(true, of: "cart-10.8.0.1-8080")
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.2:8080"] }
                    try await consul.setMaintenance(false, of: "cart-10.8.0.1-8080")
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }

                    let check = #""Weights": {"Passing": 3, "Warning": 1}, "Check": {"CheckID": "w", "TTL": "1h"}"#
                    try await consul.register("cart", "10.8.0.3", 8080, id: nil, check)
                    try await consul.setCheck("w", "pass")
                    _ = try await scene.entry("cart") { $0.weight(of: "10.8.0.3") == 300 }
                    try await consul.setCheck("w", "warn")
                    _ = try await scene.entry("cart") { $0.endpointCount == 3 && $0.weight(of: "10.8.0.3") != 300 }
                    try await consul.setCheck("w", "fail")
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }
                    try await consul.deregister("cart-10.8.0.3")

                    await stopped.stop()
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.2:8080"] }
                    // Consul finds a missing heartbeat after the check's three seconds.
                    await killed.kill()
                    _ = try await scene.entry("cart") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a Spring application is carried, and its management port is not", .realSpring)
    func spring() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { consul in
                try await Self.registerOthers(consul)
                try await Self.withBridge(scene, consul) { _ in
                    let application = try await SpringApplication.start(
                        "shop", in: "consul", at: consul.address, ip: "10.8.1.1",
                        [
                            "--zone", "z1", "--meta", "version=7",
                            "--spring.cloud.consul.discovery.heartbeat.enabled=true",
                        ], managementPort: try Loopback.freePort())
                    let shop = try await scene.entry("shop") { $0.endpointCount == 1 }
                    #expect(shop.endpoints(on: "http") == ["10.8.1.1:\(application.port)"])
                    let labels = shop["spec"]?["endpoints"]?.array?.first?["labels"]
                    #expect(labels?["version"]?.string == "7" && labels?["zone"]?.string == "z1")
                    #expect(Set(try await scene.entries().keys) == ["others", "shop"])
                    await application.stop()
                    _ = try await scene.entry("shop") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a server that is restarted, and one that is away for a while, cost no write")
    func restarts() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { consul in
                try await Self.registerOthers(consul)
                try await Self.withBridge(scene, consul) { bridge in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    let writes = try scene.writes().count
                    try await consul.restart()
                    try await bridge.status("the registry is followed again") { $0.registry["health"] == "healthy" }
                    await consul.kill()
                    try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                    try await Task.sleep(for: .seconds(10))
                    try await consul.restart()
                    try await bridge.status("the registry is followed again") { $0.registry["health"] == "healthy" }
                    #expect(try scene.writes().count == writes)
                    try await consul.register("cart", "10.8.0.1")
                    _ = try await scene.entry("cart") { $0.endpointCount == 1 }
                    try await consul.deregister("cart-10.8.0.1")
                    _ = try await scene.entry("cart") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a server that lost everything takes nothing out of the mesh: the guard holds what does not come back")
    func wiped() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { consul in
                try await Self.registerOthers(consul)
                try await Self.withBridge(scene, consul) { bridge in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    try await consul.wipe()
                    try await bridge.status("the loss is held") { $0.registry["hold"] != nil }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                    try await Self.registerOthers(consul)
                    try await bridge.status("nothing is held any more") { $0.registry["hold"] == nil }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                }
            }
        }
    }

    @Test("a token that is wrong, loses its rights or is revoked removes nothing, and a good one ends that")
    func tokens() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer(asksForTokens: true) { consul in
                try await consul.register("cart", "10.8.0.1")
                try await consul.register("orders", "10.8.0.2")
                let token = try await consul.makeToken(Self.readAll)
                let folder = try TemporaryFolder(label: "token")
                let file = try folder.write("5f0c2b7e-0000-4000-8000-00000000bbbb\n", to: "token")
                try await Self.withBridge(scene, consul, "wait: 2s\ntokenFile: \(file)") { bridge in
                    try await eventually("the log says that the token is refused") {
                        bridge.log.contains("the server refuses the token")
                    }
                    #expect(try await scene.entries().isEmpty)
                    // The file is read again for each connection.
                    try folder.write(token + "\n", to: "token")
                    _ = try await scene.entry("cart") { $0.endpointCount == 1 }
                    _ = try await scene.entry("orders") { $0.endpointCount == 1 }

                    // An empty 200 from now on, for everything.
                    try await consul.setRules(#"key_prefix "" { policy = "read" }"#)
                    try await eventually("the log names the rights that are missing") {
                        bridge.log.contains("service_prefix") && bridge.log.contains("does not even")
                    }
                    try await Task.sleep(for: .seconds(5))
                    #expect(try await scene.entry("cart") { _ in true }.endpointCount == 1)
                    #expect(try await scene.entry("orders") { _ in true }.endpointCount == 1)
                    try await consul.setRules(Self.readAll)
                    try await consul.register("cart", "10.8.0.3")
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }

                    try await consul.revoke(token)
                    try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                    #expect(try await scene.entry("cart") { _ in true }.endpointCount == 2)
                    #expect(!bridge.log.contains(token))
                }
            }
        }
    }

    @Test("plan and export read a Consul, and a server that can't be reached ends them with its reason")
    func once() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { consul in
                try await consul.register("cart", "10.8.0.1")
                let arguments = [
                    "--registry", "consul://\(consul.address)", "--kubeconfig", scene.server.kubeconfig,
                    "--namespace", scene.namespace,
                ]
                let export = try await Scene.isthmus(["export"] + arguments)
                #expect(export.standardOutput.contains("cart.mesh"), "\(export.standardError)")
                #expect(export.standardOutput.contains("10.8.0.1"))
                await consul.kill()
                let plan = try await Scene.isthmus(["plan", "--timeout", "5"] + arguments)
                #expect(plan.status != .code(0))
                #expect(plan.standardError.contains("consul"), "\(plan.standardError)")
            }
        }
    }

    // MARK: Faults

    @Test("fault 27: of two registries that announce a service, one that is down keeps only what it alone announced")
    func oneOfTwoIsDown() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { first in
                try await RealConsul.withServer { second in
                    try await first.register("cart", "10.8.0.1")
                    try await second.register("cart", "10.8.0.1", id: "same")
                    try await second.register("cart", "10.8.0.2")
                    try await first.register("cart", "10.8.0.3")
                    let yaml = """
                        registries:
                          - { name: first, consul: { servers: ["\(first.address)"], wait: 10s } }
                          - { name: second, consul: { servers: ["\(second.address)"], wait: 10s } }
                        translation: { namespace: \(scene.namespace) }
                        delivery: { kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }] }
                        leadership: off

                        """
                    let before = try RunningBridge(yaml)
                    try await Scene.stopping({ before.process }) {
                        _ = try await scene.entry("cart") { $0.endpointCount == 3 }
                    }
                    await second.kill()
                    let after = try RunningBridge(yaml)
                    try await Scene.stopping({ after.process }) {
                        try await first.register("cart", "10.8.0.4")
                        _ = try await scene.entry("cart") { $0.endpointCount == 4 }
                        // Only the first one ever announced it.
                        try await first.deregister("cart-10.8.0.3")
                        _ = try await scene.entry("cart") { $0.endpointCount == 3 }
                        try await first.deregister("cart-10.8.0.1")
                        try await Task.sleep(for: .seconds(5))
                        let cart = try await scene.entry("cart") { _ in true }
                        #expect(
                            Set(cart.endpoints(on: "http")) == ["10.8.0.1:80", "10.8.0.2:80", "10.8.0.4:80"])
                    }
                }
            }
        }
    }

    @Test("fault 28: while one of two registries is down, plan and apply work for the other one")
    func oneIsDownForLong() async throws {
        try await Scene.run { scene in
            try await RealConsul.withServer { first in
                try await RealConsul.withServer { second in
                    try await first.register("cart", "10.8.0.1")
                    try await second.register("orders", "10.8.0.2")
                    let folder = try TemporaryFolder(label: "configuration")
                    let file = try folder.write(
                        """
                        registries:
                          - { name: first, consul: { servers: ["\(first.address)"] } }
                          - { name: second, consul: { servers: ["\(second.address)"] } }
                        translation: { namespace: \(scene.namespace) }
                        delivery: { kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }] }

                        """, to: "isthmus.yaml")
                    let all = try await Scene.isthmus(["apply", "--config", file])
                    #expect(all.status == .code(0), "\(all.standardError)")
                    await second.kill()
                    try await first.register("cart", "10.8.0.3")
                    let arguments = ["--timeout", "5", "--config", file]
                    let plan = try await Scene.isthmus(["plan"] + arguments)
                    #expect((plan.standardOutput + plan.standardError).contains("second"))
                    #expect(plan.standardOutput.contains("10.8.0.3"), "\(plan.standardError)")
                    _ = try await Scene.isthmus(["apply"] + arguments)
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }
                    #expect(try await scene.entry("orders") { _ in true }.endpointCount == 1)
                }
            }
        }
    }
}

extension JSONValue {
    /// The weight of an endpoint; `nil` where none is written.
    fileprivate func weight(of address: String) -> Int64? {
        let endpoints = self["spec"]?["endpoints"]?.array ?? []
        return endpoints.first { $0["address"]?.string == address }?["weight"]?.integer
    }
}
