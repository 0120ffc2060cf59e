internal import IsthmusTesting
internal import JSON
internal import NIOCore
internal import Testing
internal import ZooKeeper

/// A bridge that follows declared layouts in a real ZooKeeper.
@Suite("layouts in ZooKeeper", .realServers, .serialized, .timeLimit(.minutes(5)))
struct LayoutTests {
    private static func value(_ port: Int, status: String = "UP") -> ByteBuffer {
        let text =
            #"{"name":"cart","address":"10.8.0.1","port":\#(port),"sslPort":null,"#
            + #""payload":{"metadata":{"instance_status":"\#(status)"}}}"#
        return ByteBuffer(string: text)
    }

    @Test("znodes come, change their data and go, ephemeral ones with their session")
    func life() async throws {
        try await Scene.run { scene in
            try await scene.withZooKeeper { client in
                try await client.ensurePath("/services/cart")
                _ = try await client.create("/services/cart/1", data: Self.value(80))
            }
            let options = BridgeOptions(registry: "layouts: [{ preset: spring-cloud-zookeeper }]")
            try await scene.withBridge(configured: options) { _ in
                _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.1:80"] }
                try await scene.withZooKeeper { client in
                    _ = try await client.create("/services/cart/2", data: Self.value(81), mode: .ephemeral)
                    _ = try await scene.entry("cart") { $0.endpointCount == 2 }
                    _ = try await client.setData(of: "/services/cart/1", to: Self.value(82))
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http").contains("10.8.0.1:82") }
                    _ = try await client.setData(of: "/services/cart/1", to: Self.value(82, status: "OUT_OF_SERVICE"))
                    _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.1:81"] }
                }
                // The session is over, and its znode with it.
                _ = try await scene.entry("cart") { $0.endpointCount == 0 }
                try await scene.withZooKeeper { _ = try await $0.setData(of: "/services/cart/1", to: Self.value(82)) }
                _ = try await scene.entry("cart") { $0.endpoints(on: "http") == ["10.8.0.1:82"] }
            }
        }
    }

    @Test("a root that is missing is no empty registry, and is read when it is made")
    func missingRoot() async throws {
        try await Scene.run { scene in
            let options = BridgeOptions(registry: "layouts: [{ preset: spring-cloud-zookeeper }]")
            try await scene.withBridge(configured: options) { bridge in
                try await eventually("the log tells of the missing root") {
                    bridge.log.contains("there is none of the znodes /services")
                }
                try await scene.withZooKeeper { client in
                    try await client.ensurePath("/services/cart")
                    _ = try await client.create("/services/cart/1", data: Self.value(80))
                }
                _ = try await scene.entry("cart") { $0.endpointCount == 1 }
            }
        }
    }
}
