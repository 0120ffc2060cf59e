internal import IsthmusTesting
internal import JSON
internal import Testing

/// A bridge that follows a real Eureka, with clients that no one here wrote.
@Suite("Eureka", .realServers, .realEureka, .serialized, .timeLimit(.minutes(8)))
struct EurekaTests {
    private typealias Instance = RegistryProvider.Instance

    /// A bridge between Eureka servers and the scene's namespace while the body runs.
    private static func withBridge(
        _ scene: Scene, _ servers: [RealEureka], _ keys: String = "absenceDelay: 0s",
        _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(
            """
            registries:
              - name: eureka
                eureka:
                  servers: [\(servers.map { "\"\($0.url)\"" }.joined(separator: ", "))]
                  interval: 1s
                  \(keys.split(separator: "\n").joined(separator: "\n      "))
            translation: { namespace: \(scene.namespace) }
            delivery:
              kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }]
            leadership: off

            """)
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    /// A registry of which a part may go.
    private static func registerOthers(_ eureka: RealEureka, count: Int = 20) async throws {
        for number in 1...count { try await eureka.register("others", "10.7.0.\(number)") }
    }

    @Test("instances come, are overridden and leave: by a stop and by death")
    func life() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { eureka in
                try await Self.registerOthers(eureka)
                try await Self.withBridge(scene, [eureka]) { _ in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    var first = Instance("cart", "10.8.0.1", 8080)
                    first.meta = ["version": "2"]
                    let stopped = try await RegistryProvider.start("eureka", at: eureka.url, [first])
                    let killed = try await RegistryProvider.start(
                        "eureka", at: eureka.url, [Instance("cart", "10.8.0.2", 8080)])
                    let cart = try await scene.entry("cart") { $0.endpointCount == 2 }
                    #expect(Set(cart.endpoints(on: "http")) == ["10.8.0.1:8080", "10.8.0.2:8080"])
                    #expect(
                        cart["spec"]?["endpoints"]?.array?.first?["labels"]?["version"]?.string == "2")

                    try await eureka.setStatus("OUT_OF_SERVICE", "others", "10.7.0.1")
                    _ = try await scene.entry("others") { $0.endpointCount == 19 }
                    try await eureka.setStatus("UP", "others", "10.7.0.1")
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    try await eureka.cancel("others", "10.7.0.2")
                    _ = try await scene.entry("others") { $0.endpointCount == 19 }

                    await stopped.stop()
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.2:8080"] }
                    // Its lease lasts for six seconds, which the server doubles.
                    await killed.kill()
                    _ = try await scene.entry("cart") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a Spring application is carried with its zone, and its secure port is a service of its own", .realSpring)
    func spring() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { eureka in
                try await Self.registerOthers(eureka)
                try await Self.withBridge(scene, [eureka]) { _ in
                    let application = try await SpringApplication.start(
                        "shop", in: "eureka", at: eureka.url, ip: "10.8.1.1",
                        [
                            "--zone", "z1", "--eureka.instance.secure-port-enabled=true",
                            "--eureka.instance.secure-port=8443",
                        ])
                    let shop = try await scene.entry("shop") { $0.endpointCount == 1 }
                    #expect(shop.endpoints(on: "http") == ["10.8.1.1:\(application.port)"])
                    #expect(shop["spec"]?["endpoints"]?.array?.first?["labels"]?["zone"]?.string == "z1")
                    let secure = try await scene.entry("shop.p-https") { $0.endpointCount == 1 }
                    #expect(secure.endpoints(on: "https") == ["10.8.1.1:8443"])
                    #expect(Set(try await scene.entries().keys) == ["others", "shop", "shop.p-https"])
                    await application.stop()
                    _ = try await scene.entry("shop") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a server that restarts empty costs no write while its clients come back")
    func restart() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { eureka in
                let providers = try await RegistryProvider.start(
                    "eureka", at: eureka.url, (1...5).map { Instance("service-\($0)", "10.8.0.\($0)", 80) })
                try await Self.withBridge(scene, [eureka], "absenceDelay: 20s") { bridge in
                    for number in 1...5 {
                        _ = try await scene.entry("service-\(number)") { $0.endpointCount == 1 }
                    }
                    let writes = try scene.writes().count
                    try await eureka.restart()
                    try await bridge.status("the registry is followed again") { $0.registry["health"] == "healthy" }
                    try await Task.sleep(for: .seconds(25))
                    for number in 1...5 {
                        _ = try await scene.entry("service-\(number)") { $0.endpointCount == 1 }
                    }
                    #expect(try scene.writes().count == writes)
                    // Nothing is left that keeps a removal back.
                    await providers.stop()
                    _ = try await scene.entry("service-1") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a server that lost everything takes nothing out of the mesh: the guard holds what does not come back")
    func wiped() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { eureka in
                try await Self.registerOthers(eureka)
                try await Self.withBridge(scene, [eureka], "absenceDelay: 3s") { bridge in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    try await eureka.restart()
                    try await bridge.status("the loss is held") { $0.registry["hold"] != nil }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                    try await Self.registerOthers(eureka)
                    try await bridge.status("nothing is held any more") { $0.registry["hold"] == nil }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                }
            }
        }
    }

    @Test("when one of two servers dies, the other one is followed, and nothing goes")
    func failover() async throws {
        try await Scene.run { scene in
            let ports = try Loopback.freePorts(2)
            let urls = ports.map { "http://127.0.0.1:\($0)/eureka/" }
            try await RealEureka.withServer(port: ports[0], peers: [urls[1]]) { first in
                try await RealEureka.withServer(port: ports[1], peers: [urls[0]]) { second in
                    try await Self.registerOthers(first)
                    try await Self.withBridge(scene, [first, second], "absenceDelay: 5s") { bridge in
                        _ = try await scene.entry("others") { $0.endpointCount == 20 }
                        #expect(Set(try await scene.entries().keys) == ["others"])
                        await first.kill()
                        try await eventually("the other server is followed") {
                            bridge.log.contains(String(second.url.dropLast()))
                        }
                        try await second.register("cart", "10.8.0.1")
                        _ = try await scene.entry("cart") { $0.endpointCount == 1 }
                        #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                        try await second.cancel("others", "10.7.0.1")
                        _ = try await scene.entry("others") { $0.endpointCount == 19 }
                    }
                }
            }
        }
    }

    @Test("a server that asks for a user is followed with the right password, and the wrong one is told of")
    func password() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer(asksForUser: true) { eureka in
                let folder = try TemporaryFolder(label: "password")
                let file = try folder.write("wrong\n", to: "password")
                let user = RealEureka.user
                let keys = "absenceDelay: 0s\nusername: \(user.name)\npasswordFile: \(file)"
                try await Self.withBridge(scene, [eureka], keys) { bridge in
                    try await eventually("the log says that the password is refused") {
                        bridge.log.contains("the server refuses the user or the password")
                    }
                    try folder.write(user.password + "\n", to: "password")
                    try await bridge.status("the registry is followed") { $0.registry["health"] == "healthy" }
                    #expect(!bridge.log.contains(user.password))
                }
            }
        }
    }

    @Test("plan and export read a Eureka, and a server that can't be reached ends them with its reason")
    func once() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { eureka in
                try await eureka.register("cart", "10.8.0.1")
                let folder = try TemporaryFolder(label: "configuration")
                let file = try folder.write(
                    """
                    registries:
                      - { name: eureka, eureka: { servers: ["\(eureka.url)"], absenceDelay: 0s } }
                    translation: { namespace: \(scene.namespace) }
                    delivery: { kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }] }

                    """, to: "isthmus.yaml")
                let export = try await Scene.isthmus(["export", "--config", file])
                #expect(export.standardOutput.contains("cart.mesh"), "\(export.standardError)")
                #expect(export.standardOutput.contains("10.8.0.1"))
                await eureka.kill()
                let plan = try await Scene.isthmus(["plan", "--timeout", "5", "--config", file])
                #expect(plan.status != .code(0))
                #expect(plan.standardError.contains("eureka"), "\(plan.standardError)")
            }
        }
    }

    // MARK: Faults

    @Test("faults 27 and 28: of two registries one is down; it keeps what it alone announced, and the other goes on")
    func oneOfTwoIsDown() async throws {
        try await Scene.run { scene in
            try await RealEureka.withServer { first in
                try await RealEureka.withServer { second in
                    try await first.register("cart", "10.8.0.1")
                    try await second.register("cart", "10.8.0.1")
                    try await second.register("cart", "10.8.0.2")
                    try await first.register("cart", "10.8.0.3")
                    let yaml = """
                        registries:
                          - { name: first, eureka: { servers: ["\(first.url)"], interval: 1s, absenceDelay: 0s } }
                          - { name: second, eureka: { servers: ["\(second.url)"], interval: 1s, absenceDelay: 0s } }
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
                        try await first.cancel("cart", "10.8.0.3")
                        _ = try await scene.entry("cart") { $0.endpointCount == 3 }
                        try await first.cancel("cart", "10.8.0.1")
                        try await Task.sleep(for: .seconds(5))
                        let cart = try await scene.entry("cart") { _ in true }
                        #expect(
                            Set(cart.endpoints(on: "http")) == ["10.8.0.1:80", "10.8.0.2:80", "10.8.0.4:80"])
                    }
                    let folder = try TemporaryFolder(label: "configuration")
                    let file = try folder.write(yaml, to: "isthmus.yaml")
                    try await first.register("orders", "10.8.1.1")
                    let plan = try await Scene.isthmus(["plan", "--timeout", "5", "--config", file])
                    #expect((plan.standardOutput + plan.standardError).contains("second"))
                    #expect(plan.standardOutput.contains("10.8.1.1"), "\(plan.standardError)")
                }
            }
        }
    }
}
