internal import IsthmusTesting
internal import Testing

/// Faults that are injected between real servers and the built program. Each test looks at what stands in the cluster
/// afterwards, and at what was written there in between.
@Suite("Faults on real servers", .realServers, .serialized, .timeLimit(.minutes(5)))
struct FaultTests {
    static let orders = "com.acme.Orders"
    static let stock = "com.acme.Stock"

    /// A scene whose bridge reaches ZooKeeper through a proxy.
    static func withProxy(
        maxSessionTimeout: Duration = .seconds(4), _ body: (Scene, ChaosProxy) async throws -> Void
    ) async throws {
        try await Scene.runAlone(maxSessionTimeout: maxSessionTimeout) { scene in
            try await ChaosProxy.withProxy(to: scene.zooKeeper.port) { try await body(scene, $0) }
        }
    }
}
