internal import IsthmusTesting
internal import JSON
internal import Testing

/// What is too much for somebody on the way: it harms only itself.
extension FaultTests {
    private static let ordersID = "dubbo://" + orders

    /// So that a test may take away as much as it added.
    private static let unguarded = "guard: { maxRemovalPercent: 100 }"

    @Test(
        "fault 17: 4,097 endpoints are left out with the reason while others proceed, until one goes"
    )
    func tooManyEndpoints() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.orders, 0..<4097) + Provider.many(Self.stock, 0..<2))
            try await scene.withBridge(configured: BridgeOptions(translation: "endpoints: inline")) { bridge in
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 2 }
                let status = try await bridge.status("the service is too large") { $0.problems[Self.ordersID] != nil }
                #expect(
                    status.problems == [
                        Self.ordersID:
                            "spec.endpoints: there are 4097, and one resource can carry 4096; split the service by "
                            + "group or version"
                    ])
                #expect(status.registry["instances"] == 4099)
                try await scene.register(Provider.many(Self.stock, 2..<3))
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 3 }
                #expect(try await scene.entries()["com.acme.orders"] == nil)

                try await scene.deregister(Provider.many(Self.orders, 7..<8))
                try await scene.waitUntilEqual()
                try await bridge.status("nothing is left out") { $0.problems.isEmpty }
            }
        }
    }

    @Test(
        "fault 17: an object that a webhook refuses is named with the reason while others proceed, until it relents"
    )
    func refusedByWebhook() async throws {
        try await Scene.run { scene in
            try await AdmissionWebhook.withWebhook { request in
                request.name == "com.acme.orders" ? .deny("orders are closed", code: 422) : .allow
            } _: { webhook in
                try await webhook.register(in: scene.server, namespace: scene.namespace)
                try await scene.register(Provider.many(Self.orders, 0..<2))
                try await scene.withBridge(configured: BridgeOptions()) { bridge in
                    let status = try await bridge.status("an object is refused") { $0.delivery["failureCount"] == 1 }
                    let failure = status.delivery["failures"]?.array?.first
                    #expect(failure?["resource"]?.string == "\(scene.namespace)/com.acme.orders")
                    #expect(failure?["kind"] == "refused")
                    #expect(failure?["reason"]?.string?.contains("orders are closed") == true, "\(status)")
                    try await scene.register(Provider.many(Self.stock, 0..<2))
                    _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 2 }
                    #expect(try await scene.entries()["com.acme.orders"] == nil)
                    // Nothing but time tells the bridge that it is taken now.
                    try await webhook.unregister()
                    try await scene.waitUntilEqual()
                    try await bridge.status("nothing is refused") { $0.delivery["failureCount"] == 0 }
                }
            }
        }
    }

    @Test("fault 18: a service near a mebibyte is measured before it is sent, and its last version goes on")
    func tooManyBytes() async throws {
        try await Self.withProxy { scene, proxy in
            let text = String(repeating: "x", count: 60)
            let labels = ["cell", "rack", "region", "row", "zone"]
            func providers(_ numbers: Range<Int>) -> [Provider] {
                Provider.many(Self.orders, numbers, parameters: labels.map { "&\($0)=\(text)" }.joined())
            }
            /// What changes while nothing is seen of it is seen at once.
            func unseen(_ change: () async throws -> Void) async throws {
                try await proxy.refuse()
                await proxy.cut()
                try await change()
                try await proxy.heal()
            }
            try await scene.register(providers(0..<1750))
            let options = BridgeOptions(
                zooKeeper: proxy,
                translation: "endpoints: inline\n  labels: { keep: [\(labels.joined(separator: ", "))] }",
                sections: Self.unguarded)
            try await scene.withBridge(configured: options) { bridge in
                let before = try await scene.entry("com.acme.orders") { $0.endpointCount == 1750 }
                try await unseen { try await scene.register(providers(1750..<1800) + Provider.many(Self.stock, 0..<1)) }
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
                let status = try await bridge.status("the service is too large") { $0.problems[Self.ordersID] != nil }
                let problem = try #require(status.problems[Self.ordersID])
                #expect(problem.hasPrefix("spec.endpoints: they have 10"), "\(problem)")
                #expect(
                    problem.hasSuffix(
                        " bytes, and one resource can carry 1048576; split the service by group or version, or keep "
                            + "fewer labels"), "\(problem)")
                #expect(status.registry["instances"] == 1801)
                #expect(try await scene.entries()["com.acme.orders"] == before)
                try await unseen { try await scene.deregister(providers(1750..<1800)) }
                try await bridge.status("nothing is left out") { $0.problems.isEmpty }
                try await scene.waitUntilEqual()
            }
            #expect(try await scene.writes(expecting: ["create": 2]) == ["create": 2])
        }
    }

    @Test("fault 19: a reply above the limit costs neither the connection nor what was known, and all others proceed")
    func oversizedReply() async throws {
        try await Self.withProxy { scene, proxy in
            try await scene.register(Provider.many(Self.orders, 0..<100) + Provider.many(Self.stock, 0..<2))
            let options = BridgeOptions(
                zooKeeper: proxy, registry: "replyLimit: 64KiB", sections: Self.unguarded)
            try await scene.withBridge(configured: options) { bridge in
                try await scene.waitUntilEqual()
                try await proxy.refuse()
                await proxy.cut()
                try await scene.register(Provider.many(Self.orders, 100..<600) + Provider.many(Self.stock, 2..<3))
                try await proxy.heal()
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 3 }
                let status = try await bridge.status("an interface can't be read") { !$0.registry.unreadable.isEmpty }
                #expect(Set(status.registry.unreadable.keys) == [Self.orders])
                let reason = status.registry.unreadable[Self.orders] ?? ""
                #expect(reason.contains("65536") || reason.contains("64 KiB"), "\(reason)")
                #expect(status.registry["health"] == "healthy")
                let accepted = await proxy.traffic.accepted
                // What follows would not come over a connection that is made and lost again and again.
                for number in 3..<13 {
                    try await scene.register(Provider.many(Self.stock, number..<number + 1))
                    _ = try await scene.entry("com.acme.stock") { $0.endpointCount == number + 1 }
                }
                #expect(await proxy.traffic.accepted == accepted)
                #expect(try await scene.entries()["com.acme.orders"]?.endpointCount == 100)

                // A start that knows of it only what the cluster holds adds who joins, and takes nobody for all of it.
                await bridge.kill()
                try bridge.restart()
                try await bridge.status("an interface can't be read") { !$0.registry.unreadable.isEmpty }
                try await scene.register(Provider.many(Self.orders, 600..<601) + Provider.many(Self.stock, 13..<14))
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 14 }
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 101 }

                // When it is short enough, it is read again.
                try await scene.deregister(Provider.many(Self.orders, 100..<600))
                try await bridge.status("all can be read") {
                    $0.registry["health"] == "healthy" && $0.registry.unreadable.isEmpty
                }
                try await scene.waitUntilEqual()
                #expect(await proxy.traffic.accepted == accepted + 1)
            }
        }
    }
}
