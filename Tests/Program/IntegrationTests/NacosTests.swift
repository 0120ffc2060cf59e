internal import IsthmusTesting
internal import JSON
internal import Testing

/// A bridge that follows a real Nacos server, with clients that no one here wrote.
@Suite("Nacos", .realServers, .realNacos, .serialized, .timeLimit(.minutes(5)))
struct NacosTests {
    private typealias Instance = NacosProvider.Instance

    /// A bridge between a Nacos and the scene's namespace while the body runs.
    private static func withBridge(
        _ scene: Scene, _ nacos: RealNacos, _ keys: String = "absenceDelay: 5s",
        _ body: (RunningBridge) async throws -> Void
    ) async throws {
        try await withBridge(scene, address: nacos.address, keys, body)
    }

    private static func withBridge(
        _ scene: Scene, address: String, _ keys: String, _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(
            """
            registries:
              - name: nacos
                nacos:
                  servers: ["\(address)"]
                  \(keys.split(separator: "\n").joined(separator: "\n      "))
            translation: { namespace: \(scene.namespace) }
            delivery:
              kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }]
            leadership: off

            """)
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    /// Instances that stay, at addresses of their own: a registry of which a part may go.
    private static func registerOthers(_ nacos: RealNacos, _ service: String = "others", count: Int = 20) async throws {
        for number in 1...count {
            try await nacos.post([
                "serviceName": service, "ip": "10.7.0.\(number)", "port": "80", "ephemeral": "false",
            ])
        }
    }

    @Test("instances come, change by an operator's hand, and leave: by a stop and by death")
    func life() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                try await Self.registerOthers(nacos)
                try await Self.withBridge(scene, nacos) { _ in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    var spring = Instance("cart", "10.8.0.1", 8080)
                    spring.metadata = [
                        "preserved.register.source": "SPRING_CLOUD", "version": "2", "gRPC_port": "9090",
                    ]
                    let stopped = try await NacosProvider.start(server: nacos.address, [spring])
                    let killed = try await NacosProvider.start(
                        server: nacos.address, [Instance("cart", "10.8.0.2", 8080)])
                    let cart = try await scene.entry("cart") { $0.endpointCount == 2 }
                    #expect(Set(cart.endpoints(on: "http")) == ["10.8.0.1:8080", "10.8.0.2:8080"])
                    let grpc = try await scene.entry("cart.p-grpc") { $0.endpointCount == 1 }
                    #expect(grpc.endpoints(on: "grpc") == ["10.8.0.1:9090"])

                    let place = ["serviceName": "cart", "ip": "10.8.0.2", "port": "8080", "clusterName": "DEFAULT"]
                    try await nacos.put(place.merging(["weight": "3"]) { $1 })
                    let weighted = try await scene.entry("cart") { $0.weight(of: "10.8.0.2") == 300 }
                    #expect(weighted.weight(of: "10.8.0.1") == 100)
                    try await nacos.put(place.merging(["enabled": "false"]) { $1 })
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.1:8080"] }
                    try await nacos.put(place.merging(["enabled": "true", "weight": "1"]) { $1 })
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }

                    await stopped.stop()
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.2:8080"] }
                    _ = try await scene.entry("cart.p-grpc") { $0.endpointCount == 0 }
                    await killed.kill()
                    _ = try await scene.entry("cart") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("stock Dubbo in Nacos is the same services as in ZooKeeper", .realDubbo, arguments: RealDubbo.versions)
    func dubbo(version: String) async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                try await Self.registerOthers(nacos)
                try await Self.withBridge(scene, nacos) { bridge in
                    let ports = try Loopback.freePorts(2)
                    let hasTriple = version != "2.7.23"
                    let provider = try await RealDubbo.start(
                        version: version, registry: "nacos://\(nacos.address)",
                        protocols: ["dubbo:\(ports[0])"] + (hasTriple ? ["tri:\(ports[1])"] : []))
                    let dubbo = try await scene.entry("demo.helloservice") { $0.endpointCount == 1 }
                    #expect(dubbo.endpoints(on: "tcp-dubbo") == ["\(RealDubbo.host):\(ports[0])"])
                    if hasTriple {
                        let tri = try await scene.entry("demo.helloservice.p-tri") { $0.endpointCount == 1 }
                        #expect(tri.endpoints(on: "grpc-tri") == ["\(RealDubbo.host):\(ports[1])"])
                    }
                    let names = Set(try await scene.entries().keys).subtracting(["others"])
                    #expect(names.contains("demo.helloservice") && names.count == (hasTriple ? 2 : 1))
                    await provider.kill()
                    _ = try await scene.entry("demo.helloservice") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("groups and namespaces tell services of one name apart, and filters leave some out")
    func groupsAndNamespaces() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                let keys = """
                    absenceDelay: 5s
                    namespaces: [public, dev]
                    groups: { exclude: ["test-*"] }
                    cluster: region
                    """
                try await Self.withBridge(scene, nacos, keys) { _ in
                    var blue = Instance("cart", "10.8.0.2", 80)
                    blue.group_name = "blue"
                    blue.cluster_name = "east"
                    var test = Instance("cart", "10.8.0.3", 80)
                    test.group_name = "test-1"
                    let first = try await NacosProvider.start(
                        server: nacos.address, [Instance("cart", "10.8.0.1", 80), blue, test])
                    let second = try await NacosProvider.start(
                        server: nacos.address, namespace: "dev", [Instance("cart", "10.8.0.4", 80)])
                    let plain = try await scene.entry("cart") { $0.endpointCount == 1 }
                    #expect(plain.endpoints(on: "http") == ["10.8.0.1:80"])
                    let grouped = try await scene.entry("cart.g-blue") { $0.endpointCount == 1 }
                    #expect(grouped.endpoints(on: "http") == ["10.8.0.2:80"])
                    let endpoint = grouped["spec"]?["endpoints"]?.array?.first
                    #expect(endpoint?["labels"]?["nacos.cluster"]?.string == "east")
                    #expect(endpoint?["locality"]?.string == "east")
                    let other = try await scene.entry("cart.namespace-dev") { $0.endpointCount == 1 }
                    #expect(other.endpoints(on: "http") == ["10.8.0.4:80"])
                    #expect(Set(try await scene.entries().keys) == ["cart", "cart.g-blue", "cart.namespace-dev"])
                    await first.kill()
                    await second.kill()
                }
            }
        }
    }

    @Test("a server that is restarted, and one that is away for a while, cost no write")
    func restarts() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                // A restarted server knows none of these before they come back.
                let providers = try await NacosProvider.start(
                    server: nacos.address, (1...5).map { Instance("service-\($0)", "10.8.0.\($0)", 80) })
                try await Self.withBridge(scene, nacos, "absenceDelay: 30s") { bridge in
                    for number in 1...5 { _ = try await scene.entry("service-\(number)") { $0.endpointCount == 1 } }
                    let writes = try scene.writes().count
                    try await nacos.restart()
                    try await bridge.status("the registry is followed again") {
                        $0.registry["health"] == "healthy"
                    }
                    await nacos.kill()
                    try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                    try await Task.sleep(for: .seconds(20))
                    #expect(bridge.logCount(of: "registry disconnected") <= 4)
                    try await nacos.restart()
                    try await bridge.status("the registry is followed again") {
                        $0.registry["health"] == "healthy"
                    }
                    // The providers' own client comes back within some seconds.
                    try await eventually("the providers are back") {
                        try await nacos.instanceCount(of: "service-5") == 1
                    }
                    for number in 1...5 { _ = try await scene.entry("service-\(number)") { $0.endpointCount == 1 } }
                    #expect(try scene.writes().count == writes)
                    // Nothing is left that keeps a removal back.
                    await providers.kill()
                    _ = try await scene.entry("service-1") { $0.endpointCount == 0 }
                }
            }
        }
    }

    @Test("a server that lost everything takes nothing out of the mesh: the guard holds what does not come back")
    func wiped() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                try await Self.registerOthers(nacos)
                try await Self.withBridge(scene, nacos, "absenceDelay: 2s") { bridge in
                    _ = try await scene.entry("others") { $0.endpointCount == 20 }
                    try await nacos.wipe()
                    try await bridge.status("the loss is held") {
                        $0.registry["hold"] != nil
                    }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                    try await Self.registerOthers(nacos)
                    try await bridge.status("nothing is held any more") {
                        $0.registry["hold"] == nil
                    }
                    #expect(try await scene.entry("others") { _ in true }.endpointCount == 20)
                }
            }
        }
    }

    @Test("a server that asks for users is followed with the right password, and the wrong one is told of")
    func login() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer(asksForUsers: true) { nacos in
                let folder = try TemporaryFolder(label: "password")
                let file = try folder.write("wrong\n", to: "password")
                let user = RealNacos.admin
                let provider = try await NacosProvider.start(
                    server: nacos.address, user: user, [Instance("cart", "10.8.0.1", 80)])
                let keys = "username: \(user.name)\npasswordFile: \(file)"
                try await Self.withBridge(scene, nacos, keys) { bridge in
                    try await eventually("the log says that the login is refused") {
                        bridge.log.contains("registry disconnected") || bridge.log.contains("registry unreadable")
                    }
                    #expect(!bridge.log.contains("wrong"))
                    #expect(try await scene.entries().isEmpty)
                    // The file is read again at each login.
                    try folder.write(user.password + "\n", to: "password")
                    _ = try await scene.entry("cart") { $0.endpointCount == 1 }
                    #expect(!bridge.log.contains(user.password))
                }
                await provider.kill()
            }
        }
    }

    @Test("a Nacos behind TLS is followed by gRPC and HTTP, and one whose certificate is not trusted is not")
    func overTLS() async throws {
        try await Scene.run { scene in
            let certificates = try await TestCertificates.make()
            let others = try await TestCertificates.make()
            try await RealNacos.withServer { nacos in
                try await TLSProxy.withProxy(to: nacos.port, certificates: certificates) { http in
                    try await TLSProxy.withProxy(
                        to: nacos.port + 1_000, certificates: certificates, protocols: ["h2"]
                    ) { grpc in
                        let provider = try await NacosProvider.start(
                            server: nacos.address, [Instance("cart", "10.8.0.1", 80)])
                        for (authority, isTrusted) in [(others.authority, false), (certificates.authority, true)] {
                            let keys = "grpcPort: \(grpc)\ntls: { caFile: \(authority) }"
                            try await Self.withBridge(scene, address: "127.0.0.1:\(http)", keys) { bridge in
                                if isTrusted {
                                    let cart = try await scene.entry("cart") { $0.endpointCount == 1 }
                                    #expect(cart.endpoints(on: "http") == ["10.8.0.1:80"])
                                } else {
                                    try await bridge.status("the certificate is not trusted") {
                                        $0.registry["reason"]?.string?.contains("certificate") == true
                                    }
                                }
                            }
                        }
                        await provider.kill()
                    }
                }
            }
        }
    }

    @Test("plan and export read a Nacos, and a server that can't be reached ends them with its reason")
    func once() async throws {
        try await Scene.run { scene in
            try await RealNacos.withServer { nacos in
                let provider = try await NacosProvider.start(server: nacos.address, [Instance("cart", "10.8.0.1", 80)])
                let arguments = [
                    "--registry", "nacos://\(nacos.address)", "--kubeconfig", scene.server.kubeconfig, "--namespace",
                    scene.namespace,
                ]
                let export = try await Scene.isthmus(["export"] + arguments)
                #expect(export.standardOutput.contains("cart.mesh"), "\(export.standardError)")
                #expect(export.standardOutput.contains("10.8.0.1"))
                await provider.kill()
                await nacos.kill()
                let plan = try await Scene.isthmus(["plan", "--timeout", "5"] + arguments)
                #expect(plan.status != .code(0))
                #expect(plan.standardError.contains("nacos"), "\(plan.standardError)")
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
