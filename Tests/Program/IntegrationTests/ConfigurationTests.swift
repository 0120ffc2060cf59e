internal import IsthmusTesting
internal import JSON
internal import NIOCore
internal import Testing
internal import ZooKeeper

/// Operators publish objects of Istio's in a real Nacos or a real ZooKeeper, and a real API server gets them.
@Suite("Published configuration", .realServers, .realNacos, .serialized, .timeLimit(.minutes(5)))
struct ConfigurationTests {
    /// A place where operators publish.
    private struct Centre {
        /// Its part of the configuration.
        var settings: String
        /// Publishes a document, or removes it.
        var publish: (_ name: String, _ text: String?) async throws -> Void
    }

    enum Kind: String, CaseIterable, Sendable {
        case nacos, zooKeeper
    }

    private static func withCentre(_ kind: Kind, _ body: (Scene, Centre) async throws -> Void) async throws {
        try await Scene.run { scene in
            try await scene.server.loadRoutingDefinitions()
            try await scene.withZooKeeper { client in
                try await client.ensurePath("/dubbo")
                try await client.ensurePath("/mesh")
            }
            switch kind {
            case .zooKeeper:
                let settings = "zookeeper: { servers: [\"\(scene.connectString)\"], path: /mesh }"
                try await body(
                    scene,
                    Centre(settings: settings) { name, text in
                        try await scene.withZooKeeper { client in
                            let path = "/mesh/\(name)"
                            guard let text else { return try await client.delete(path) }
                            let data = ByteBuffer(string: text)
                            if try await client.exists(path) == nil {
                                _ = try await client.create(path, data: data)
                            } else {
                                try await client.setData(of: path, to: data)
                            }
                        }
                    })
            case .nacos:
                try await RealNacos.withServer { nacos in
                    let settings = "nacos: { servers: [\"\(nacos.address)\"], group: MESH, dataIds: [\"*.yaml\"] }"
                    try await body(
                        scene,
                        Centre(settings: settings) { try await nacos.publish($0, group: "MESH", $1) })
                }
            }
        }
    }

    private static func configuration(_ scene: Scene, _ centre: Centre) -> String {
        scene.configuration() + """
            configurations:
              - name: ops
                \(centre.settings)
                istio: { namespaces: [\(scene.namespace)] }
            leadership: off

            """
    }

    private static func withBridge(
        _ scene: Scene, _ centre: Centre, _ body: (RunningBridge) async throws -> Void
    ) async throws {
        let bridge = try RunningBridge(configuration(scene, centre))
        try await Scene.stopping({ bridge.process }) { try await body(bridge) }
    }

    private static func route(_ name: String, host: String = "orders.mesh", subset: String = "v1", port: String = "80")
        -> String
    {
        """
        apiVersion: networking.istio.io/v1beta1
        kind: VirtualService
        metadata: { name: \(name) }
        spec:
          hosts: [\(host)]
          http:
            - route: [{ destination: { host: \(host), subset: \(subset), port: { number: \(port) } } }]

        """
    }

    @Test("a document is published, changed, made invalid in several ways, and removed", arguments: Kind.allCases)
    func life(kind: Kind) async throws {
        try await Self.withCentre(kind) { scene, centre in
            try await centre.publish("a.yaml", Self.route("a"))
            try await Self.withBridge(scene, centre) { bridge in
                try await scene.waitForRoute("a", to: "v1")
                let rule = """
                    apiVersion: networking.istio.io/v1beta1
                    kind: DestinationRule
                    metadata: { name: b }
                    spec: { host: orders.mesh, subsets: [{ name: v1, labels: { version: "1" } }] }

                    """
                try await centre.publish("b.yaml", Self.route("b", subset: "v1") + "---\n" + rule)
                try await scene.waitForRoute("b", to: "v1")
                try await eventually("the rule is there") { try await scene.object("destinationrule", "b") != nil }

                try await centre.publish("a.yaml", Self.route("a", subset: "v2"))
                try await scene.waitForRoute("a", to: "v2")
                // No YAML, another's host, and what only the API server knows to be wrong.
                let invalid: [(text: String, reason: String)] = [
                    ("{", "not YAML"), (Self.route("a", host: "a.default.svc.cluster.local"), "belongs to the cluster"),
                    (Self.route("a", subset: "v3", port: "many"), "integer"),
                ]
                for (text, reason) in invalid {
                    try await centre.publish("a.yaml", text)
                    try await bridge.status("it says why") { status in
                        let problems = status["configurations"]?.array?.first?["problems"]?.array ?? []
                        let failures = status.delivery["failures"]?.array ?? []
                        return (problems + failures).contains { $0["reason"]?.string?.contains(reason) == true }
                    }
                    #expect(try await scene.target("a") == "v2", "\(reason)")
                }
                try await centre.publish("a.yaml", Self.route("a", subset: "v4"))
                try await scene.waitForRoute("a", to: "v4")
                try await bridge.status("all is well") { status in
                    let centre = status["configurations"]?.array?.first
                    return centre?["health"]?.string == "healthy" && centre?["objects"]?.integer == 3
                        && centre?["problems"]?.array == [] && status.delivery["failures"]?.array == []
                }
                try await centre.publish("b.yaml", nil)
                try await eventually("the objects are gone") {
                    let rule = try await scene.object("destinationrule", "b")
                    return try await scene.target("b") == nil && rule == nil
                }
                #expect(try await scene.target("a") == "v4")
            }
        }
    }

    @Test("what went while the bridge was away goes after its start; nothing else is touched", arguments: Kind.allCases)
    func restart(kind: Kind) async throws {
        try await Self.withCentre(kind) { scene, centre in
            for name in ["a", "b"] { try await centre.publish("\(name).yaml", Self.route(name)) }
            try await Self.withBridge(scene, centre) { bridge in
                for name in ["a", "b"] { try await scene.waitForRoute(name, to: "v1") }
                await bridge.kill()
                try await centre.publish("a.yaml", nil)
                try bridge.restart()
                try await eventually("a is gone") { try await scene.target("a") == nil }
                #expect(try await scene.target("b") == "v1")
            }
        }
    }

    @Test("plan, export and apply show published objects, with the API server's words for what it refuses")
    func once() async throws {
        try await Self.withCentre(.zooKeeper) { scene, centre in
            try await centre.publish("a.yaml", Self.route("a"))
            try await centre.publish("b.yaml", Self.route("b", port: "many"))
            let folder = try TemporaryFolder(label: "configuration")
            let file = try folder.write(Self.configuration(scene, centre), to: "isthmus.yaml")
            let export = try await Scene.isthmus(["export", "--config", file])
            #expect(export.standardOutput.contains("kind: VirtualService"), "\(export.standardError)")
            let plan = try await Scene.isthmus(["plan", "--config", file])
            #expect(plan.standardOutput.contains("+ VirtualService \(scene.namespace)/a"), "\(plan.standardOutput)")
            #expect(plan.standardOutput.contains("! VirtualService \(scene.namespace)/b"))
            #expect(plan.standardOutput.contains("integer"))
            #expect(try await scene.target("a") == nil)
            _ = try await Scene.isthmus(["apply", "--config", file])
            #expect(try await scene.target("a") == "v1")
            #expect(try await scene.target("b") == nil)
        }
    }

    @Test("a Nacos that is away, and one that comes back without its data, cost no object")
    func outage() async throws {
        try await Scene.run { scene in
            try await scene.server.loadRoutingDefinitions()
            try await scene.withZooKeeper { try await $0.ensurePath("/dubbo") }
            try await RealNacos.withServer { nacos in
                let centre = Centre(
                    settings: "nacos: { servers: [\"\(nacos.address)\"], group: MESH, dataIds: [a.yaml] }"
                ) { try await nacos.publish($0, group: "MESH", $1) }
                try await centre.publish("a.yaml", Self.route("a"))
                try await Self.withBridge(scene, centre) { bridge in
                    try await scene.waitForRoute("a", to: "v1")
                    await nacos.kill()
                    try await bridge.status("the centre is stale") {
                        $0["configurations"]?.array?.first?["health"]?.string == "stale"
                    }
                    try await nacos.wipe()
                    try await bridge.status("the loss is held") {
                        $0["configurations"]?.array?.first?["heldCount"]?.integer == 1
                    }
                    #expect(try await scene.target("a") == "v1")
                    try await centre.publish("a.yaml", Self.route("a", subset: "v2"))
                    try await scene.waitForRoute("a", to: "v2")
                }
            }
        }
    }
}

extension Scene {
    fileprivate func object(_ kind: String, _ name: String) async throws -> JSONValue? {
        let output = try await server.kubectl("get", kind, "-n", namespace, "-o", "json")
        let items = try JSONValue(parsing: Array(output.utf8))["items"]?.array ?? []
        return items.first { $0["metadata"]?["name"]?.string == name }
    }

    /// The subset to which a VirtualService leads; `nil` where there is none.
    fileprivate func target(_ name: String) async throws -> String? {
        let route = try await object("virtualservice", name)
        let destination = route?["spec"]?["http"]?.array?.first?["route"]?.array?.first?["destination"]
        return destination?["subset"]?.string
    }

    fileprivate func waitForRoute(_ name: String, to subset: String) async throws {
        try await eventually("the VirtualService \(name) leads to \(subset)") { try await target(name) == subset }
    }
}
