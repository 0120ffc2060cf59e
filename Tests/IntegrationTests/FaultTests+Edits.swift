internal import IsthmusTesting
internal import JSON
internal import Testing

/// People and controllers who change what the bridge delivered, on a real kube-apiserver.
@Suite("Edits by others", .realServers, .timeLimit(.minutes(3)))
struct ManualEditTests {
    private static let url =
        "dubbo://10.1.0.1:20880/com.acme.Orders?application=orders&interface=com.acme.Orders&side=provider"
    private static let name = "com.acme.orders"

    private func withOrders(_ body: (Scene, ChildProcess, JSONValue) async throws -> Void) async throws {
        try await Scene.run { scene in
            try await scene.withBridge { bridge in
                try await scene.register(Self.url, interface: "com.acme.Orders")
                try await body(scene, bridge, try await scene.entry(Self.name) { $0.endpointCount == 1 })
            }
        }
    }

    private func patch(_ patch: String, in scene: Scene) async throws {
        _ = try await scene.server.kubectl(
            "patch", "serviceentry", Self.name, "-n", scene.namespace, "--type", "merge", "-p", patch)
    }

    @Test("what is edited or deleted by hand is put right, and fields of others are kept")
    func repair() async throws {
        try await withOrders { scene, bridge, orders in
            try await patch(
                #"{"metadata":{"labels":{"team":"shop"}},"spec":{"hosts":["stolen.example"],"exportTo":["."]}}"#,
                in: scene)
            let repaired = try await scene.entry(Self.name) { $0["spec"]?["hosts"] == orders["spec"]?["hosts"] }
            #expect(repaired["spec"]?["exportTo"] == ["."])
            #expect(repaired["metadata"]?["labels"]?["team"] == "shop")
            _ = try await scene.server.kubectl("delete", "serviceentry", Self.name, "-n", scene.namespace)
            _ = try await scene.entry(Self.name) { $0["spec"] == orders["spec"] }
            // What the server stores is what was written: nobody is suspected of more than was done.
            #expect(!bridge.logTail(lines: 200).contains("stored otherwise"))
        }
    }

    @Test("who keeps changing a field is named, and put right less and less often")
    func fight() async throws {
        try await withOrders { scene, bridge, orders in
            try await eventually("the fight is reported", within: .seconds(60)) {
                try await patch(#"{"spec":{"hosts":["stolen.example"]}}"#, in: scene)
                return bridge.logTail(lines: 200).contains(
                    "'kubectl-patch' keeps changing spec.hosts; it is put right every 4 s at most")
            }
            _ = try await scene.entry(Self.name) { $0["spec"] == orders["spec"] }
            let patches = try scene.writes().count { $0.verb == "patch" }
            #expect(patches <= 8)
        }
    }
}
