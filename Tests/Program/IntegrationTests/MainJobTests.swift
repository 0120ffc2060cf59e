internal import IsthmusTesting
internal import JSON
internal import Testing

/// The acceptance of the main job, step by step, on a real ZooKeeper and a real kube-apiserver with Istio's CRDs.
@Suite("The main job", .realServers, .timeLimit(.minutes(5)))
struct MainJobTests {
    private static let demo = "org.apache.dubbo.demo.demoservice"

    private static func url(_ address: String, interface: String = PythonDubbo.demoService) -> String {
        "dubbo://\(address)/\(interface)?anyhost=true&application=demo-provider&dubbo=2.0.2&interface=\(interface)"
            + "&methods=sayHello&pid=1234&release=3.2.0&side=provider&timestamp=1700000000000"
    }

    /// The Python SDK registers a loopback address.
    private static let local = BridgeOptions(translation: "allowLoopback: true")

    @Test("providers of two protocols become two entries, each with its own host and one port")
    func twoProtocols() async throws {
        try await Scene.run { scene in
            try await scene.withBridge(configured: Self.local) { _ in
                try await scene.register(Self.url("10.1.0.1:20880"))
                let sdk = try await PythonDubbo.start(
                    zooKeeper: scene.zooKeeper.connectString, root: scene.chroot + "/dubbo")
                let dubbo = try await scene.entry(Self.demo) { $0.endpointCount == 1 }
                let tri = try await scene.entry(Self.demo + ".p-tri") { $0.endpointCount == 1 }

                #expect(dubbo.endpoints(on: "tcp-dubbo") == ["10.1.0.1:20880"])
                #expect(tri.endpoints(on: "grpc-tri") == ["127.0.0.1:\(sdk.port)"])
                #expect(dubbo["spec"]?["ports"] == [["name": "tcp-dubbo", "number": 20880, "protocol": "TCP"]])
                #expect(tri["spec"]?["ports"] == [["name": "grpc-tri", "number": 50051, "protocol": "GRPC"]])
                for (entry, name) in [(dubbo, Self.demo), (tri, Self.demo + ".p-tri")] {
                    #expect(entry["spec"]?["hosts"] == [.string(name + ".mesh")])
                    #expect(entry["spec"]?["location"] == "MESH_INTERNAL")
                    #expect(entry["spec"]?["resolution"] == "STATIC")
                    #expect(entry["metadata"]?["labels"]?["app.kubernetes.io/managed-by"] == "isthmus")
                    #expect(entry["metadata"]?["labels"]?["isthmus.mesh/instance"] == "main")
                    #expect(entry.virtualAddresses.count == 1)
                }
                #expect(tri.virtualAddresses != dubbo.virtualAddresses)
                let yaml = try await scene.server.kubectl(
                    "get", "serviceentries", "-n", scene.namespace, "-o", "yaml")
                #expect(try await IstioSchema.violations(in: yaml) == [])
                await sdk.stop()
            }
        }
    }

    @Test("a second provider joins its service, and a second service on the same port gets another address")
    func secondService() async throws {
        try await Scene.run { scene in
            try await scene.withBridge { _ in
                try await scene.register(Self.url("10.1.0.1:20880"))
                try await scene.register(Self.url("10.1.0.1:20881"))
                let demo = try await scene.entry(Self.demo) { $0.endpointCount == 2 }
                #expect(demo.endpoints(on: "tcp-dubbo") == ["10.1.0.1:20880", "10.1.0.1:20881"])

                let orders = "com.acme.OrderService"
                try await scene.register(Self.url("10.1.0.1:20880", interface: orders), interface: orders)
                let order = try await scene.entry("com.acme.orderservice") { $0.endpointCount == 1 }
                #expect(order["spec"]?["ports"] == demo["spec"]?["ports"])
                #expect(order.virtualAddresses.count == 1)
                #expect(order.virtualAddresses != demo.virtualAddresses)
            }
        }
    }

    @Test("a killed provider's endpoint goes when its session ends, and a service that everyone left keeps no endpoint")
    func departures() async throws {
        try await Scene.run { scene in
            try await scene.withBridge(configured: Self.local) { _ in
                let sdk = try await PythonDubbo.start(
                    zooKeeper: scene.zooKeeper.connectString, root: scene.chroot + "/dubbo")
                _ = try await scene.entry(Self.demo + ".p-tri") { $0.endpointCount == 1 }
                try await scene.register(Self.url("10.1.0.1:20880"))
                _ = try await scene.entry(Self.demo) { $0.endpointCount == 1 }
                await sdk.kill()
                _ = try await scene.entry(Self.demo + ".p-tri") { $0.endpointCount == 0 }
                _ = try await scene.entry(Self.demo) { $0.endpointCount == 1 }
                try await scene.deregister(Self.url("10.1.0.1:20880"))
                let left = try await scene.entry(Self.demo) { $0.endpointCount == 0 }
                #expect(left["spec"]?["endpoints"] == [])
            }
        }
    }

    @Test("a restart writes nothing and keeps every address")
    func restart() async throws {
        try await Scene.run { scene in
            let interfaces = (0..<20).map { "com.acme.Service\($0)" }
            try await scene.withBridge { _ in
                for interface in interfaces {
                    try await scene.register(Self.url("10.1.0.1:20880", interface: interface), interface: interface)
                }
                try await eventually("all services are entries") { try await scene.entries().count == interfaces.count }
            }
            let before = try await scene.entries()
            let creates = ["create": interfaces.count]
            #expect(try await scene.writes(expecting: creates) == creates)
            try await scene.withBridge { _ in
                // Whatever the bridge had to say about the others, it was decided before this one came.
                try await scene.register(Self.url("10.1.0.2:20880"))
                _ = try await scene.entry(Self.demo) { $0.endpointCount == 1 }
            }
            var after = try await scene.entries()
            after[Self.demo] = nil
            #expect(after == before)
            let oneMore = ["create": interfaces.count + 1]
            #expect(try await scene.writes(expecting: oneMore) == oneMore)
        }
    }

    @Test("nothing is removed while ZooKeeper is away for longer than the session, and the next change arrives")
    func outage() async throws {
        try await Scene.runAlone { scene in
            try await scene.withBridge { bridge in
                try await scene.register(Self.url("10.1.0.1:20880"))
                try await scene.register(Self.url("10.1.0.2:20880"))
                let before = try await scene.entry(Self.demo) { $0.endpointCount == 2 }

                await scene.zooKeeper.kill()
                try await eventually("the bridge has noticed") { bridge.log.contains("registry disconnected") }
                // The fault itself: longer than the session of at most 4 s.
                try await Task.sleep(for: .seconds(5))
                #expect(try await scene.entries()[Self.demo] == before)

                try await scene.zooKeeper.restart()
                try await scene.register(Self.url("10.1.0.3:20880"))
                let after = try await scene.entry(Self.demo) { $0.endpointCount == 3 }
                #expect(after.virtualAddresses == before.virtualAddresses)
                // Not one write in between could have taken an endpoint away.
                #expect(try scene.writes().allSatisfy { $0.verb == "create" || $0.verb == "patch" })
            }
        }
    }

    @Test("what changed while the bridge's session expired is caught up with by one full read")
    func expiry() async throws {
        try await Scene.runAlone { scene in
            try await scene.withBridge { bridge in
                try await scene.register(Self.url("10.1.0.1:20880"))
                try await scene.register(Self.url("10.1.0.2:20880"))
                _ = try await scene.entry(Self.demo) { $0.endpointCount == 2 }

                await bridge.pause()
                try await scene.deregister(Self.url("10.1.0.1:20880"))
                try await scene.register(Self.url("10.1.0.3:20880"))
                try await eventually("ZooKeeper has ended the paused bridge's session") {
                    try await scene.zooKeeper.answer(to: "dump").contains("Session Sets (0)/(0)")
                }
                bridge.resume()
                let after = try await scene.entry(Self.demo) {
                    $0.endpoints(on: "tcp-dubbo").contains("10.1.0.3:20880")
                }
                #expect(after.endpoints(on: "tcp-dubbo") == ["10.1.0.2:20880", "10.1.0.3:20880"])
                try await eventually("the log tells of it") {
                    bridge.log.contains("registry session expired")
                }
            }
        }
    }
}
