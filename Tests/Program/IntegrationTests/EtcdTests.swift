internal import IsthmusTesting
internal import JSON
internal import Testing

/// A bridge that follows a real etcd, into which etcd's own client writes what libraries register.
@Suite("etcd", .realServers, .serialized, .timeLimit(.minutes(5)))
struct EtcdTests {
    private static func withBridge(
        _ scene: Scene, _ servers: String, _ keys: String = "", _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(
            """
            registries:
              - name: etcd
                etcd:
                  servers: ["\(servers)"]
                  layouts:
                    - { preset: go-zero, prefixes: [user.rpc/, others/] }
                    - { preset: kratos }
                  \(keys.split(separator: "\n").joined(separator: "\n      "))
            translation: { namespace: \(scene.namespace) }
            delivery:
              kubernetes: [{ kubeconfig: \(scene.server.kubeconfig) }]
            leadership: off

            """)
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    /// Instances that stay, at addresses of their own: a registry of which a part may go.
    private static func registerOthers(_ etcd: RealEtcd, count: Int = 20) async throws {
        for number in 1...count { try await etcd.etcdctl("put", "others/\(number)", "10.7.0.\(number):80") }
    }

    private static func kratos(_ address: String, version: String = "v1") -> String {
        #"{"id":"1","name":"cart","version":"\#(version)","metadata":null,"endpoints":["#
            + #""grpc://\#(address):9000?isSecure=false","http://\#(address):8000?isSecure=false"]}"#
    }

    @Test("instances come, change in place, and leave: by a deletion and with their lease")
    func life() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd)
                try await Self.withBridge(scene, "127.0.0.1:\(etcd.port)") { _ in
                    let others = try await scene.entry("others.p-grpc") { $0.endpointCount == 20 }
                    #expect(others.endpoints(on: "grpc").contains("10.7.0.20:80"))
                    let lease = try await etcd.grantLease(seconds: 3)
                    try await etcd.etcdctl("put", "--lease=\(lease)", "user.rpc/1", "10.8.0.1:8080")
                    try await etcd.etcdctl("put", "user.rpc/2", "10.8.0.2:8080")
                    let user = try await scene.entry("user.rpc.p-grpc") { $0.endpointCount == 2 }
                    #expect(Set(user.endpoints(on: "grpc")) == ["10.8.0.1:8080", "10.8.0.2:8080"])
                    try await etcd.etcdctl("put", "user.rpc/2", "10.8.0.3:8081")
                    _ = try await scene.entry("user.rpc.p-grpc") { $0.endpoints(on: "grpc").contains("10.8.0.3:8081") }
                    _ = try await scene.entry("user.rpc.p-grpc") { $0.endpoints(on: "grpc") == ["10.8.0.3:8081"] }
                    try await etcd.etcdctl("del", "user.rpc/2")
                    _ = try await scene.entry("user.rpc.p-grpc") { $0.endpointCount == 0 }
                    // One value is two services, of one name.
                    try await etcd.etcdctl("put", "/microservices/cart/1", Self.kratos("10.8.0.9"))
                    let http = try await scene.entry("cart") { $0.endpointCount == 1 }
                    #expect(http.endpoints(on: "http") == ["10.8.0.9:8000"])
                    let grpc = try await scene.entry("cart.p-grpc") { $0.endpointCount == 1 }
                    #expect(grpc.endpoints(on: "grpc") == ["10.8.0.9:9000"])
                    // What can't be decoded takes nothing away.
                    try await etcd.etcdctl("put", "/microservices/cart/1", "{")
                    try await etcd.etcdctl("put", "/microservices/cart/2", Self.kratos("10.8.0.8"))
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }
                }
            }
        }
    }

    @Test("what happened while the history was compacted away is found by a full read, and nothing else is written")
    func compaction() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd)
                try await ChaosProxy.withProxy(to: etcd.port) { proxy in
                    try await Self.withBridge(scene, proxy.address) { bridge in
                        _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 20 }
                        try await proxy.refuse()
                        await proxy.cut()
                        try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                        try await etcd.etcdctl("del", "others/20")
                        try await etcd.etcdctl("put", "others/21", "10.7.0.21:80")
                        try await etcd.compact()
                        try await proxy.heal()
                        let others = try await scene.entry("others.p-grpc") {
                            $0.endpoints(on: "grpc").contains("10.7.0.21:80")
                        }
                        #expect(others.endpointCount == 20)
                        #expect(!others.endpoints(on: "grpc").contains("10.7.0.20:80"))
                    }
                }
            }
        }
    }

    @Test("a server that is restarted, and one that does not answer, cost no write")
    func restarts() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd)
                try await Self.withBridge(scene, "127.0.0.1:\(etcd.port)") { bridge in
                    _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 20 }
                    let writes = try scene.writes().count
                    try await etcd.restart()
                    try await bridge.status("the registry is followed again") {
                        $0.registry["health"] == "healthy"
                    }
                    await etcd.kill()
                    try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                    try await etcd.restart()
                    try await bridge.status("the registry is followed again") {
                        $0.registry["health"] == "healthy"
                    }
                    #expect(try scene.writes().count == writes)
                    try await etcd.etcdctl("del", "others/1")
                    _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 19 }
                }
            }
        }
    }

    @Test("an etcd that is emptied takes nothing out of the mesh: the guard holds it")
    func emptied() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd)
                try await Self.withBridge(scene, "127.0.0.1:\(etcd.port)") { bridge in
                    _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 20 }
                    try await etcd.etcdctl("del", "", "--prefix")
                    try await bridge.status("the loss is held") { $0.registry["hold"] != nil }
                    #expect(try await scene.entry("others.p-grpc") { _ in true }.endpointCount == 20)
                    try await Self.registerOthers(etcd)
                    try await bridge.status("nothing is held any more") { $0.registry["hold"] == nil }
                    #expect(try await scene.entry("others.p-grpc") { _ in true }.endpointCount == 20)
                }
            }
        }
    }

    @Test("a server that asks for users is followed with the right password, and the wrong one is told of")
    func login() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd)
                try await etcd.etcdctl("user", "add", "root:geheim-1")
                try await etcd.etcdctl("user", "grant-role", "root", "root")
                try await etcd.etcdctl("role", "add", "reader")
                for prefix in ["user.rpc/", "others/", "/microservices/"] {
                    try await etcd.etcdctl("role", "grant-permission", "reader", "read", prefix, "--prefix")
                }
                try await etcd.etcdctl("user", "add", "bridge:geheim-2")
                try await etcd.etcdctl("user", "grant-role", "bridge", "reader")
                try await etcd.etcdctl("auth", "enable")
                let folder = try TemporaryFolder(label: "password")
                let file = try folder.write("wrong-one\n", to: "password")
                let keys = "username: bridge\npasswordFile: \(file)"
                try await Self.withBridge(scene, "127.0.0.1:\(etcd.port)", keys) { bridge in
                    try await eventually("the log says that the login is refused") {
                        bridge.log.contains("the server refuses the user or the password")
                    }
                    #expect(!bridge.log.contains("wrong-one"))
                    #expect(try await scene.entries().isEmpty)
                    // The file is read again at each login.
                    try folder.write("geheim-2\n", to: "password")
                    _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 20 }
                    try await etcd.etcdctl("--user=root:geheim-1", "put", "others/21", "10.7.0.21:80")
                    _ = try await scene.entry("others.p-grpc") { $0.endpointCount == 21 }
                    #expect(!bridge.log.contains("geheim"))
                }
            }
        }
    }

    @Test("the conventions of an etcd are told, with a configuration that carries them")
    func detect() async throws {
        try await Scene.run { scene in
            try await RealEtcd.withServer { etcd in
                try await Self.registerOthers(etcd, count: 2)
                try await etcd.etcdctl("put", "/microservices/cart/1", Self.kratos("10.8.0.9"))
                let detected = try await Scene.isthmus(["detect", "etcd://127.0.0.1:\(etcd.port)"])
                let text = detected.standardOutput
                #expect(detected.status == .code(0), "\(detected.standardError)")
                #expect(text.contains("- { preset: kratos }"), "\(text)")
                #expect(text.contains(#"- { preset: go-zero, prefixes: ["others/"] }"#), "\(text)")
                #expect(text.contains("cart.p-grpc.mesh"), "\(text)")
                let export = try await Scene.isthmus([
                    "export", "--registry", "etcd://127.0.0.1:\(etcd.port)/others/?layout=go-zero", "--kubeconfig",
                    scene.server.kubeconfig, "--namespace", scene.namespace,
                ])
                #expect(export.standardOutput.contains("10.7.0.2"), "\(export.standardError)")
            }
        }
    }
}
