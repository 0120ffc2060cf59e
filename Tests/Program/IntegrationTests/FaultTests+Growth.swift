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

    @Test("fault 31: a client that registers without end meets limits, and what was there first stays")
    func flood() async throws {
        try await Scene.run { scene in
            let first = Provider.many(Self.orders, 0..<50) + Provider.many(Self.stock, 0..<2)
            try await scene.register(first)
            let options = BridgeOptions(
                sections: "limits: { instancesPerService: 100, services: 20, objects: 30 }")
            try await scene.withBridge(configured: options) { bridge in
                try await MeshObserver.watching(scene) { mesh in
                    mesh.expect(first)
                    try await mesh.wait(standing: first.count)
                    mesh.expect(first)
                    let memory = try ProcessUsage(pid: bridge.process.pid).resident
                    for part in 0..<4 {
                        let first = 1_000 + part * 5_000
                        try await scene.register(Provider.many(Self.orders, first..<first + 5_000))
                    }
                    try await scene.register((0..<2_000).flatMap { Provider.many("com.acme.Flood\($0)", 0..<1) })
                    try await bridge.status("all that is beyond the limits is counted") {
                        Self.countsExcess($0) && $0.delivery["pending"] == 0
                    }
                    #expect(try await scene.entries().count == 20)
                    #expect(mesh.endpoints(of: "com.acme.orders").count == 100)
                    #expect(mesh.lowest == first.count)
                    #expect(try ProcessUsage(pid: bridge.process.pid).resident < memory + 64 << 20)

                    // A restart knows who was first.
                    await bridge.kill()
                    try bridge.restart()
                    try await bridge.status("all that is beyond the limits is counted") {
                        Self.countsExcess($0) && $0.delivery["pending"] == 0
                    }
                    #expect(mesh.lowest == first.count)
                    #expect(try await scene.entries().count == 20)
                }
            }
        }
    }

    private static func countsExcess(_ status: JSONValue) -> Bool {
        let notes = status.registry["notes"]?.array ?? []
        func counts(_ sort: String, _ count: Int64) -> Bool {
            notes.contains { $0["sort"] == .string(sort) && $0["count"] == .integer(count) }
        }
        return counts("servicesBeyondLimit", 1982) && counts("instancesBeyondLimit", 19_950)
    }
}
