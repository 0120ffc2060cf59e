internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import Testing

/// The bridge and an API server as today's clusters have: rules in CEL, structural schemas, today's watches.
@Suite("A modern API server", .modernAPIServer, .serialized, .timeLimit(.minutes(10)))
struct ModernAPIServerTests {
    private static let orders = "com.acme.Orders"
    private static let stock = "com.acme.Stock"

    @Test("takes everything that the bridge writes while providers come and go, and a restart writes nothing")
    func mainJob() async throws {
        try await Scene.run(server: try await .sharedModern()) { scene in
            let options = BridgeOptions(sections: "guard: { maxRemovalPercent: 100 }")
            try await scene.withBridge(configured: options) { bridge in
                try await scene.register(Provider.many(Self.orders, 0..<3) + Provider.many(Self.stock, 0..<1))
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 3 }
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
                try await scene.deregister(Provider.many(Self.orders, 1..<3))
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                try await scene.deregister(Provider.many(Self.stock, 0..<1))
                let left = try await scene.entry("com.acme.stock") { $0.endpointCount == 0 }
                #expect(left["spec"]?["endpoints"] == [])
                try await bridge.status("nothing fails") { $0.delivery["failureCount"] == 0 }
            }
            let before = try await scene.entries()
            let writes = try scene.writes()
            #expect(writes.allSatisfy { ($0.status ?? 0) < 300 }, "\(writes)")
            try await scene.withBridge(configured: options) { _ in
                try await scene.register([Provider(interface: "com.acme.Last", address: "10.9.0.1:20880")])
                _ = try await scene.entry("com.acme.last") { $0.endpointCount == 1 }
            }
            var after = try await scene.entries()
            after["com.acme.last"] = nil
            #expect(after == before)
        }
    }

    @Test("takes each write of a move between the endpoint forms and back, and an observer misses no endpoint")
    func moves() async throws {
        try await Scene.run(server: try await .sharedModern()) { scene in
            let few = Provider.many(Self.orders, 0..<5)
            let many = Provider.many(Self.orders, 5..<60)
            try await scene.register(few)
            let observer = try EndpointObserver(scene, entry: "com.acme.orders")
            let options = BridgeOptions(
                translation: "inlineLimit: { endpoints: 20 }", sections: "guard: { maxRemovalPercent: 100 }")
            try await observer.watching {
                try await scene.withBridge(configured: options) { bridge in
                    try await see("the service inline", observer) { $0.isInline && $0.visible.count == 5 }
                    observer.need(few.map { String($0.address.prefix { $0 != ":" }) })
                    try await scene.register(many)
                    try await see("60 WorkloadEntries, selected", observer) { !$0.isInline && $0.visible.count == 60 }
                    try await scene.deregister(many)
                    try await see("the service inline, and no WorkloadEntry", observer) {
                        $0.isInline && $0.workloadCount == 0 && $0.visible.count == 5
                    }
                    try await bridge.status("nothing fails") { $0.delivery["failureCount"] == 0 }
                }
            }
            #expect(observer.gaps == [])
            #expect(try scene.writes().allSatisfy { ($0.status ?? 0) < 300 || $0.status == 409 })
        }
    }

    private func see(
        _ what: String, _ observer: EndpointObserver, where holds: (EndpointObserver) -> Bool
    ) async throws {
        try await eventually(what, within: .seconds(60)) {
            (holds(observer), observer.isInline, observer.workloadCount)
        } until: {
            $0.0
        }
    }

    @Test("refuses what our own check refuses, and takes what it takes", arguments: RefusedResourceTests.samples)
    func rules(sample: RefusedResourceTests.Sample) async throws {
        let server = try await RealAPIServer.sharedModern()
        let entry = sample.entry(in: "default")
        func create() async throws {
            try await server.kubectl(
                "create", "--dry-run=server", "--validate=false", "-f", "-", input: entry.json(version: "v1").yaml)
        }
        if sample.isGood {
            #expect(entry.violations.isEmpty)
            try await create()
        } else {
            #expect(!entry.violations.isEmpty)
            let error = await #expect(throws: TestSupportError.self) { try await create() }
            #expect(error?.description.contains("is invalid") == true, "\(error?.description ?? "")")
        }
    }

    @Test("that knows a rule which our own check doesn't is quoted in the status, while all others proceed")
    func unknownRule() async throws {
        try await RealAPIServer.withServer(model: .modern) { server in
            try await server.addRule(
                "!self.hosts[0].startsWith('com.acme.orders')", message: "orders are closed",
                to: "serviceentries.networking.istio.io")
            try await Scene.run(server: server) { scene in
                try await eventually("the rule is known") {
                    do {
                        let entry = RefusedResourceTests.Sample(name: "com.acme.orders").entry(in: scene.namespace)
                        let text = entry.json(version: "v1").yaml
                        try await server.kubectl(
                            "create", "--dry-run=server", "--validate=false", "-f", "-", input: text)
                        return false
                    } catch { return "\(error)".contains("orders are closed") }
                }
                try await scene.register(Provider.many(Self.orders, 0..<2) + Provider.many(Self.stock, 0..<2))
                try await scene.withBridge(configured: BridgeOptions()) { bridge in
                    _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 2 }
                    let status = try await bridge.status("an object is refused") { $0.delivery["failureCount"] == 1 }
                    let failure = status.delivery["failures"]?.array?.first
                    #expect(failure?["resource"]?.string == "\(scene.namespace)/com.acme.orders")
                    #expect(failure?["kind"] == "refused")
                    #expect(failure?["reason"]?.string?.contains("orders are closed") == true, "\(status)")
                    #expect(try await scene.entries()["com.acme.orders"] == nil)
                }
            }
        }
    }
}
