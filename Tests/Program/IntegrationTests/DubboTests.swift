internal import IsthmusTesting
internal import JSON
internal import NIOCore
internal import Testing
internal import ZooKeeper

/// Stock Dubbo providers of each supported version: what they register, change and leave is what the mesh shows.
@Suite("Stock Dubbo", .realServers, .realDubbo, .serialized, .timeLimit(.minutes(5)))
struct DubboTests {
    private static let name = "demo.helloservice"
    /// A provider that stays, so that weights differ and are written.
    private static let other = "10.88.9.9:20880"

    private static func registerOther(_ scene: Scene) async throws {
        let url = "dubbo://\(other)/\(RealDubbo.service)?interface=\(RealDubbo.service)&application=other"
        try await scene.register(url, interface: RealDubbo.service)
    }

    /// The weight of each endpoint; `nil` where none is written.
    private static func weights(_ entry: JSONValue) -> [String: Int64?] {
        var weights: [String: Int64?] = [:]
        for endpoint in entry["spec"]?["endpoints"]?.array ?? [] {
            let port = endpoint["ports"]?["tcp-dubbo"]?.integer ?? 0
            weights["\(endpoint["address"]?.string ?? ""):\(port)"] = .some(endpoint["weight"]?.integer)
        }
        return weights
    }

    @Test("a provider's services, a weight that a rule gives it, and its graceful stop", arguments: RealDubbo.versions)
    func life(version: String) async throws {
        try await Scene.runAlone { scene in
            try await scene.withBridge { _ in
                try await Self.registerOther(scene)
                let port = try Loopback.freePort()
                let address = "\(RealDubbo.host):\(port)"
                let triplePort = try Loopback.freePort()
                // 2.7 knows no Triple. Of two protocols, 3.2 may register only one anew when a rule changes a weight.
                let servesTriple = version == "3.3.6"
                let provider = try await RealDubbo.start(
                    version: version, zooKeeper: scene.zooKeeper.connectString,
                    protocols: ["dubbo:\(port)"] + (servesTriple ? ["tri:\(triplePort)"] : []))
                let dubbo = try await scene.entry(Self.name) { $0.endpointCount == 2 }
                #expect(Set(dubbo.endpoints(on: "tcp-dubbo")) == [address, Self.other])
                if servesTriple {
                    let tri = try await scene.entry(Self.name + ".p-tri") { $0.endpointCount == 1 }
                    #expect(tri.endpoints(on: "grpc-tri") == ["\(RealDubbo.host):\(triplePort)"])
                }
                // MetadataService is Dubbo's own.
                let names = Set(try await scene.entries().keys)
                #expect(names == (servesTriple ? [Self.name, Self.name + ".p-tri"] : [Self.name]))

                try await scene.takesOver(weight: 200, of: address)
                let weighted = try await scene.entry(Self.name) { Self.weights($0)[address] == 200 }
                #expect(Self.weights(weighted) == [address: 200, Self.other: 100])

                provider.beginToStop()
                let left = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                #expect(left.endpoints(on: "tcp-dubbo") == [Self.other])
                if servesTriple { _ = try await scene.entry(Self.name + ".p-tri") { $0.endpointCount == 0 } }
                await provider.stop()
            }
        }
    }

    @Test("one port that serves two protocols is an endpoint of two services", arguments: ["3.3.6", "3.2.19"])
    func onePort(version: String) async throws {
        try await Scene.runAlone { scene in
            try await scene.withBridge { _ in
                let port = try Loopback.freePort()
                let provider = try await RealDubbo.start(
                    version: version, zooKeeper: scene.zooKeeper.connectString, protocols: ["dubbo:\(port)+tri"])
                let dubbo = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                let tri = try await scene.entry(Self.name + ".p-tri") { $0.endpointCount == 1 }
                #expect(dubbo.endpoints(on: "tcp-dubbo") == ["\(RealDubbo.host):\(port)"])
                #expect(tri.endpoints(on: "grpc-tri") == ["\(RealDubbo.host):\(port)"])
                provider.beginToStop()
                for name in [Self.name, Self.name + ".p-tri"] {
                    _ = try await scene.entry(name) { $0.endpointCount == 0 }
                }
                await provider.stop()
            }
        }
    }

    @Test(
        "a killed provider stays until its session ends, and one that starts anew on its port describes it at once",
        arguments: RealDubbo.versions)
    func kill(version: String) async throws {
        // Long enough that the second provider registers while the first one's znode is there.
        try await Scene.runAlone(maxSessionTimeout: .seconds(30)) { scene in
            try await scene.withBridge { _ in
                try await Self.registerOther(scene)
                let port = try Loopback.freePort()
                let address = "\(RealDubbo.host):\(port)"
                func start(weight: Int) async throws -> RealDubbo {
                    try await RealDubbo.start(
                        version: version, zooKeeper: scene.zooKeeper.connectString, protocols: ["dubbo:\(port)"],
                        arguments: ["--register-mode", "interface", "--weight", "\(weight)"])
                }
                let first = try await start(weight: 30)
                _ = try await scene.entry(Self.name) { Self.weights($0)[address] == 30 }
                await first.kill()
                let second = try await start(weight: 60)
                #expect(try await scene.registrations().count == 3)
                let entry = try await scene.entry(Self.name) { Self.weights($0)[address] == 60 }
                #expect(Self.weights(entry) == [address: 60, Self.other: 100])
                try await eventually("the first one's session ends", within: .seconds(60)) {
                    try await scene.registrations().count == 2
                }
                #expect(Self.weights(try await scene.entry(Self.name) { _ in true }) == Self.weights(entry))
                await second.kill()
                #expect(try await scene.entry(Self.name) { _ in true }.endpointCount == 2)
                let left = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                #expect(left.endpoints(on: "tcp-dubbo") == [Self.other])
            }
        }
    }

    @Test("a provider that registers by application only is named, with its count")
    func applicationOnly() async throws {
        try await Scene.runAlone { scene in
            let port = try Loopback.freePort()
            let provider = try await RealDubbo.start(
                version: "3.3.6", zooKeeper: scene.zooKeeper.connectString, protocols: ["tri:\(port)"],
                arguments: ["--register-mode", "instance"])
            // An interface that nobody provides: a root must be there.
            try await scene.withZooKeeper { try await $0.ensurePath("/dubbo/demo.Nobody/providers") }
            let text = "instances registered by application only: 1 (hello-provider/\(RealDubbo.host):\(port))"
            let plan = try await scene.isthmus("plan")
            #expect(plan.standardOutput.contains(text), "\(plan.standardOutput)")
            let export = try await scene.isthmus("export")
            #expect(export.standardError.contains(text), "\(export.standardError)")
            #expect(!export.standardOutput.contains(text))
            await provider.stop()
        }
    }
}

extension Scene {
    /// The znodes of the providers of Dubbo's demo service.
    fileprivate func registrations() async throws -> [String] {
        var nodes: [String] = []
        try await withZooKeeper { nodes = try await $0.children(of: "/dubbo/\(RealDubbo.service)/providers") }
        return nodes
    }

    /// Has a provider register with another weight. A provider of 3.3.6 may not hear of a rule that is written right
    /// after its start, so that the rule is written again.
    fileprivate func takesOver(weight: Int, of address: String) async throws {
        for _ in 0..<6 {
            try await override(weight: weight, of: address)
            let hasRegistered: Void? = try? await eventually("the provider registers anew", within: .seconds(10)) {
                try await registrations().contains { $0.contains("weight%3D\(weight)") }
            }
            if hasRegistered != nil { return }
        }
    }

    /// Has a provider register with another weight, as the console of Dubbo does.
    fileprivate func override(weight: Int, of address: String) async throws {
        let rule = """
            configVersion: v3.0
            enabled: true
            scope: service
            key: '\(RealDubbo.service)'
            configs:
            - side: provider
              addresses: ['\(address)']
              enabled: true
              type: weight
              parameters:
                weight: \(weight)

            """
        try await withZooKeeper { client in
            let folder = "/dubbo/config/dubbo"
            try await client.ensurePath(folder)
            let path = "\(folder)/\(RealDubbo.service)::.configurators"
            if try await client.exists(path) != nil { try await client.delete(path) }
            try await client.create(path, data: .init(string: rule))
        }
    }
}
