internal import IsthmusTesting
internal import JSON
internal import Testing

@Suite("Large services on real servers", .realServers, .serialized, .timeLimit(.minutes(10)))
struct LargeServiceTests {
    private static let orders = "com.acme.Orders"

    private static func addresses(_ providers: [Provider]) -> [String] {
        providers.map { String($0.address.prefix { $0 != ":" }) }
    }

    @Test(
        "a service grows to 5,000 endpoints and shrinks, and an observer of both kinds misses none that stays"
    )
    func thereAndBack() async throws {
        try await FaultTests.withProxy { scene, proxy in
            /// What changes while nothing is seen of it is seen at once.
            func unseen(_ change: () async throws -> Void) async throws {
                try await proxy.refuse()
                await proxy.cut()
                try await change()
                try await proxy.heal()
            }
            let few = Provider.many(Self.orders, 0..<400)
            let many = Provider.many(Self.orders, 400..<5000)
            try await scene.register(few)
            let observer = try EndpointObserver(scene, entry: "com.acme.orders")
            try await observer.watching {
                let options = BridgeOptions(zooKeeper: proxy, sections: "guard: { maxRemovalPercent: 100 }")
                try await scene.withBridge(configured: options) { bridge in
                    try await see("the service inline", observer) { $0.isInline && $0.visible.count == 400 }
                    observer.need(Self.addresses(few))
                    try await unseen { try await scene.register(many) }
                    try await see("5,000 WorkloadEntries, selected", observer) {
                        !$0.isInline && $0.workloadCount == 5000 && $0.visible.count == 5000
                    }
                    #expect(observer.workloadCount == 5000)
                    try await eventually("the audit log is complete") { try Self.creations(scene) == 5000 }
                    let changes = try Self.changes(scene)
                    try await scene.register(Provider.many(Self.orders, 5000..<5001))
                    try await see("one more", observer) { $0.visible.count == 5001 }
                    try await eventually("an instance is one small write") { try Self.creations(scene) == 5001 }
                    #expect(try Self.changes(scene) == changes, "the service itself is not written")
                    try await bridge.status("no failure") { $0.problems.isEmpty && $0.delivery["failureCount"] == 0 }

                    try await unseen {
                        try await scene.deregister(many + Provider.many(Self.orders, 5000..<5001))
                    }
                    try await see("the service inline, and no WorkloadEntry", observer) {
                        $0.isInline && $0.workloadCount == 0 && $0.visible.count == 400
                    }
                }
            }
            #expect(observer.gaps == [])
        }
    }

    private static func creations(_ scene: Scene) throws -> Int {
        try scene.writes().count { $0.verb == "create" && $0.resource == "workloadentries" && $0.status == 201 }
    }

    /// Of the service.
    private static func changes(_ scene: Scene) throws -> Int {
        try scene.writes().count { $0.resource == "serviceentries" }
    }

    private func see(
        _ what: String, _ observer: EndpointObserver, where holds: (EndpointObserver) -> Bool
    ) async throws {
        try await eventually(what, within: .seconds(200)) {
            (holds(observer), observer.isInline, observer.workloadCount)
        } until: {
            $0.0
        }
    }
}
