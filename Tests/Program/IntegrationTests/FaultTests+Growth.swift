internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

/// What providers register that is unlike what was there.
extension FaultTests {
    private static let names = (0..<30).map { Provider(interface: orders, address: "orders-\($0).acme.internal:20880") }
    private static let addresses = Provider.many(orders, 0..<30)

    @Test(
        "fault 29: a provider by address joins thirty by name, or the other way round, and no call is lost",
        arguments: [true, false])
    func mixedHosts(namesFirst: Bool) async throws {
        try await Scene.run { scene in
            let first = namesFirst ? Self.names : Self.addresses
            let other = namesFirst ? Self.addresses[0] : Self.names[0]
            try await scene.register(first)
            try await scene.withBridge(configured: BridgeOptions()) { _ in
                try await MeshObserver.watching(scene) { mesh in
                    mesh.expect(first)
                    try await mesh.wait(standing: first.count)
                    mesh.expect(first)
                    try await scene.register([other])
                    try await scene.waitUntilEqual()
                    try await scene.deregister([other])
                    try await scene.waitUntilEqual()
                    #expect(mesh.lowest == first.count)
                    #expect(mesh.resolutions(of: "com.acme.orders") == (namesFirst ? ["DNS"] : ["STATIC", "DNS"]))
                }
            }
        }
    }
}
