internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Testing

@Suite("Signals", .realServers, .serialized, .timeLimit(.minutes(5)))
struct SignalTests {
    private static func holder(_ scene: Scene) async throws -> String? {
        let text = try await scene.server.kubectl("get", "lease", "isthmus-main", "-n", scene.namespace, "-o", "json")
        return try JSONValue(parsing: text)["spec"]?["holderIdentity"]?.string
    }

    @Test("a closed terminal ends the bridge with code 0, and its lease is free at once")
    func hangUp() async throws {
        try await Scene.run { scene in
            let folder = try TemporaryFolder(label: "signals")
            let bridge = try ChildProcess.start(
                "isthmus", executable: ServerTools.builtProduct("isthmus"), arguments: ["run"] + scene.connection(),
                log: folder.path(of: "log"))
            try await scene.wait(for: "lease gained", in: bridge)
            #expect(try await Self.holder(scene)?.isEmpty == false)
            bridge.signal(SIGHUP)
            #expect(await bridge.waitForExit() == .code(0), "\(bridge.log)")
            #expect(try await Self.holder(scene) ?? "" == "")
        }
    }

    @Test("under nohup a closed terminal ends nothing")
    func noHangUp() async throws {
        try await Scene.run { scene in
            let folder = try TemporaryFolder(label: "signals")
            let bridge = try ChildProcess.start(
                "isthmus", executable: "/usr/bin/nohup",
                arguments: [ServerTools.builtProduct("isthmus"), "run"] + scene.connection(),
                log: folder.path(of: "log"))
            try await scene.wait(for: "lease gained", in: bridge)
            bridge.signal(SIGHUP)
            try await scene.register([Provider(interface: "com.acme.Orders", address: "10.1.0.1:20880")])
            _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
            #expect(await bridge.stop() == .code(0), "\(bridge.log)")
        }
    }
}
