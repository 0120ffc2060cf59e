internal import IsthmusTesting
internal import JSON
internal import Testing

/// The registry can't be reached, for a shorter or a longer time.
extension FaultTests {
    @Test(
        "fault 1: a connection that drops for less than the session freezes everything; then all is read again"
    )
    func shortInterruption() async throws {
        try await Self.withProxy(maxSessionTimeout: .seconds(40)) { scene, proxy in
            try await scene.register(Provider.many(Self.orders, 0..<3) + Provider.many(Self.stock, 0..<3))
            let options = BridgeOptions(zooKeeper: proxy, registry: "sessionTimeout: 30s")
            try await scene.withBridge(configured: options) { bridge in
                try await scene.waitUntilEqual()
                let before = try await scene.entries()
                try await proxy.refuse()
                await proxy.cut()
                try await bridge.status("the registry is stale") { $0.registry["health"] == "stale" }
                // No event tells of any of this.
                try await scene.deregister(Provider.many(Self.orders, 0..<1) + Provider.many(Self.stock, 0..<3))
                try await scene.register(Provider.many(Self.orders, 3..<5))
                #expect(try await scene.entries() == before)
                try await proxy.heal()
                try await scene.waitUntilEqual()
                #expect(bridge.log.contains("resumed=true"))
                #expect(!bridge.log.contains("registry session expired"))
                let stock = try await scene.entry("com.acme.stock") { $0.endpointCount == 0 }
                #expect(stock.virtualAddresses == before["com.acme.stock"]?.virtualAddresses)
            }
            // One patch each, from the one picture to the other: no state in between was ever written.
            #expect(try await scene.writes(expecting: ["create": 2, "patch": 2]) == ["create": 2, "patch": 2])
        }
    }

    @Test("fault 2: a session that expires costs a read, and nothing is removed before that is complete")
    func expiry() async throws {
        try await Self.withProxy { scene, proxy in
            let interfaces = (0..<20).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.flatMap { Provider.many($0, 0..<5) })
            let options = BridgeOptions(zooKeeper: proxy, registry: "sessionTimeout: 4s")
            try await scene.withBridge(configured: options) { bridge in
                try await scene.waitUntilEqual()
                let before = try await scene.entries()
                await proxy.blackHole()
                try await eventually("ZooKeeper has ended the session") {
                    try await scene.zooKeeper.answer(to: "dump").contains("Session Sets (0)/(0)")
                }
                try await scene.deregister(Provider.many(interfaces[0], 0..<5) + Provider.many(interfaces[1], 0..<2))
                try await scene.register(Provider.many(interfaces[2], 5..<7))

                // The new session's read is slow enough to be broken off halfway: the lists have some 20 kB.
                await proxy.throttle(bytesPerSecond: 5_000, going: [.toClient])
                let passed = await proxy.traffic.toClient.passed
                await proxy.blackHole(false)
                try await proxy.wait { $0.toClient.passed > passed + 6_000 }
                try await proxy.refuse()
                await proxy.cut()
                try await eventually("the bridge has noticed") {
                    bridge.logCount(of: "registry disconnected") > 1
                }
                #expect(bridge.log.contains("registry session expired"))
                #expect(bridge.logCount(of: "registry read") == 1, "the read was complete")
                #expect(try await scene.entries() == before)
                try await proxy.heal()
                try await scene.waitUntilEqual()
            }
            #expect(try await scene.writes(expecting: ["create": 20, "patch": 3]) == ["create": 20, "patch": 3])
        }
    }

    @Test(
        "fault 6: while the registry is away the last good view stays, marked as stale; one minimal diff follows"
    )
    func outage() async throws {
        try await Self.withProxy { scene, proxy in
            let interfaces = (0..<10).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.flatMap { Provider.many($0, 0..<3) })
            let options = BridgeOptions(zooKeeper: proxy, registry: "sessionTimeout: 4s")
            try await scene.withBridge(configured: options) { bridge in
                try await scene.waitUntilEqual()
                let before = try await scene.entries()
                try await proxy.refuse()
                await proxy.cut()
                try await scene.register(Provider.many(interfaces[0], 3..<4) + Provider.many(Self.orders, 0..<1))
                try await scene.deregister(Provider.many(interfaces[1], 0..<1))
                // Longer than the session, so that everyone has given it up.
                let status = try await bridge.status("the registry was good 8 s ago") { status in
                    switch status.registry["lastGood"] {
                    case .double(let age)?: age > 8
                    case .integer(let age)?: age > 8
                    default: false
                    }
                }
                #expect(status.registry["health"] == "stale")
                #expect(status.registry["reason"]?.string?.contains(proxy.address) == true, "\(status)")
                #expect(status.registry["instances"] == 30)
                #expect(try await bridge.isReady())
                #expect(try await scene.entries() == before)
                try await proxy.heal()
                try await scene.waitUntilEqual()
                try await bridge.status("the registry is healthy") { $0.registry["health"] == "healthy" }
            }
            #expect(try await scene.writes(expecting: ["create": 11, "patch": 2]) == ["create": 11, "patch": 2])
        }
    }

    @Test("fault 7: a start while the registry is down leaves the cluster as it is, and then writes only what differs")
    func coldStart() async throws {
        try await Self.withProxy { scene, proxy in
            let interfaces = (0..<10).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.flatMap { Provider.many($0, 0..<3) })
            try await scene.withBridge(configured: BridgeOptions()) { _ in try await scene.waitUntilEqual() }
            let before = try await scene.entries()
            try await scene.deregister(Provider.many(interfaces[0], 0..<1) + Provider.many(interfaces[1], 0..<3))
            try await proxy.refuse()
            try await scene.withBridge(configured: BridgeOptions(zooKeeper: proxy)) { bridge in
                let status = try await bridge.status("the cluster was read, and the registry could not be") {
                    $0.delivery["seeded"] == true && $0.registry["reason"]?.string?.contains(proxy.address) == true
                }
                #expect(status.registry["health"] == "starting")
                // What the cluster holds is the last good picture, and good enough to serve.
                #expect(try await bridge.isReady())
                #expect(try await scene.entries() == before)
                try await proxy.heal()
                try await scene.waitUntilEqual()
                for (name, entry) in try await scene.entries() {
                    #expect(entry.virtualAddresses == before[name]?.virtualAddresses)
                }
            }
            #expect(try await scene.writes(expecting: ["create": 10, "patch": 2]) == ["create": 10, "patch": 2])
        }
    }
}
