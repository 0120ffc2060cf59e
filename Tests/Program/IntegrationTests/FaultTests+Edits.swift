internal import IsthmusTesting
internal import JSON
internal import Testing

/// People, controllers and webhooks who change what the bridge delivered.
extension FaultTests {
    private static let name = "com.acme.orders"

    private func withOrders(_ body: (Scene, ChildProcess, JSONValue) async throws -> Void) async throws {
        try await Scene.run { scene in
            try await scene.withBridge { bridge in
                try await scene.register(Provider.many(Self.orders, 0..<1))
                try await body(scene, bridge, try await scene.entry(Self.name) { $0.endpointCount == 1 })
            }
        }
    }

    @Test("fault 24: what is edited or deleted by hand is put right, and fields of others are kept")
    func repair() async throws {
        try await withOrders { scene, bridge, orders in
            try await scene.edit(
                Self.name,
                #"{"metadata":{"labels":{"team":"shop"}},"spec":{"hosts":["stolen.example"],"exportTo":["."]}}"#)
            let repaired = try await scene.entry(Self.name) { $0["spec"]?["hosts"] == orders["spec"]?["hosts"] }
            #expect(repaired["spec"]?["exportTo"] == ["."])
            #expect(repaired["metadata"]?["labels"]?["team"] == "shop")
            _ = try await scene.server.kubectl("delete", "serviceentry", Self.name, "-n", scene.namespace)
            _ = try await scene.entry(Self.name) { $0["spec"] == orders["spec"] }
            // What the server stores is what was written: nobody is suspected of more than was done.
            #expect(!bridge.logTail(lines: 200).contains("stored otherwise"))
        }
    }

    @Test("fault 24: who keeps changing a field is named, and put right less and less often")
    func fight() async throws {
        try await withOrders { scene, bridge, orders in
            try await eventually("the fight is reported") {
                try await scene.edit(Self.name, #"{"spec":{"hosts":["stolen.example"]}}"#)
                return bridge.logTail(lines: 200).contains(
                    "'kubectl-patch' keeps changing spec.hosts; it is put right every 4 s at most")
            }
            _ = try await scene.entry(Self.name) { $0["spec"] == orders["spec"] }
            let patches = try scene.writes().count { $0.verb == "patch" }
            #expect(patches <= 8)
        }
    }

    @Test(
        "fault 24: a webhook that keeps changing a field is not written against again and again, and the status says so"
    )
    func webhook() async throws {
        try await Scene.run { scene in
            try await AdmissionWebhook.withWebhook { _ in
                .mutate(#"[{"op": "replace", "path": "/spec/location", "value": "MESH_EXTERNAL"}]"#)
            } _: { webhook in
                try await webhook.register(as: .mutating, in: scene.server, namespace: scene.namespace)
                try await scene.register(Provider.many(Self.orders, 0..<1))
                try await scene.withBridge(configured: BridgeOptions()) { bridge in
                    let status = try await bridge.status("it is put right less and less often") { status in
                        status.delivery["failures"]?.array?.first?["reason"]?.string?.contains("every 4 s at most")
                            == true
                    }
                    let failure = status.delivery["failures"]?.array?.first
                    #expect(failure?["kind"] == "contested")
                    #expect(failure?["reason"]?.string?.contains("spec.location is stored otherwise") == true)
                    #expect(webhook.callCount <= 7)
                    // What the registry says is not held up by it.
                    try await scene.register(Provider.many(Self.orders, 1..<2) + Provider.many(Self.stock, 0..<1))
                    try await scene.waitUntilEqual()
                    try await webhook.unregister()
                    _ = try await scene.entry(Self.name) { $0["spec"]?["location"] == "MESH_INTERNAL" }
                }
            }
        }
    }

    @Test("fault 24: an object of the wanted name that somebody else owns is not touched, and the conflict is reported")
    func foreignObject() async throws {
        try await Scene.run { scene in
            let foreign = """
                apiVersion: networking.istio.io/v1beta1
                kind: ServiceEntry
                metadata: {name: \(Self.name), namespace: \(scene.namespace), labels: {owner: somebody}}
                spec: {hosts: [theirs.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: NONE}
                """
            try await scene.server.kubectl("create", "--validate=false", "-f", "-", input: foreign)
            let before = try await scene.entries()
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                try await scene.register(Provider.many(Self.orders, 0..<1))
                let status = try await bridge.status("there is a conflict") { $0.delivery["failureCount"] == 1 }
                let failure = status.delivery["failures"]?.array?.first
                #expect(
                    failure?["reason"]?.string?.hasPrefix("\(scene.namespace)/\(Self.name) exists and is not ours")
                        == true)
                #expect(bridge.log.contains("\(scene.namespace)/\(Self.name) exists and is not ours"))
                #expect(try await scene.entries() == before)
            }
            #expect(try await scene.entries() == before)
        }
    }
}
