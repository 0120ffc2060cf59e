internal import IsthmusTesting
internal import JSON
internal import Testing

/// The bridge itself is killed, or there are two of it.
extension FaultTests {
    private static let shortLease = "{ leaseDuration: 6s, renewDeadline: 4500ms, retryPeriod: 500ms }"

    @Test("fault 8: a bridge that is killed while it writes is followed by one that leaves no orphan and no duplicate")
    func killed() async throws {
        try await Scene.run { scene in
            let interfaces = (0..<1200).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.map { Provider(interface: $0, address: "10.1.0.1:20880") })
            let options = BridgeOptions(translation: "emptyRetention: 1s")
            try await scene.withBridge(configured: options) { bridge in
                try await eventually("a sixth is written") {
                    bridge.logCount(of: "resource created") >= 200
                }
                await bridge.kill()
                let half = try await scene.entries()
                #expect((200..<1200).contains(half.count))

                // What the next one finds is not what the registry says any more.
                let written = interfaces.filter { half[$0.lowercased()] != nil }
                let gone = written.prefix(5)
                try await scene.deregister(gone.map { Provider(interface: $0, address: "10.1.0.1:20880") })
                try await scene.register(Provider.many(written[5], 2..<4))
                try bridge.restart()
                try await scene.waitUntilEqual()
                let entries = try await eventually("the orphans are gone") {
                    try await scene.entries()
                } until: {
                    $0.count == 1195
                }
                // One object for each service, with the address that it was given first.
                #expect(Set(entries.keys) == Set(interfaces.filter { !gone.contains($0) }.map { $0.lowercased() }))
                for (name, entry) in half where entries[name] != nil {
                    #expect(entries[name]?.virtualAddresses == entry.virtualAddresses)
                }
                #expect(Set(entries.values.map(\.virtualAddresses)).count == 1195)
            }
        }
    }

    @Test(
        "fault 9: two bridges that both believe to lead agree on the outcome, and the second finds the work done"
    )
    func twoLeaders() async throws {
        try await Scene.run { scene in
            let interfaces = (0..<40).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.flatMap { Provider.many($0, 0..<3) })
            let one = BridgeOptions(context: "admin")
            let other = BridgeOptions(context: "certificate")
            try await scene.withBridge(configured: one) { one in
                try await scene.withBridge(configured: other) { other in
                    try await scene.waitUntilEqual()
                    let before = try await scene.entries()
                    for bridge in [one, other] {
                        try await bridge.status("it follows the registry, and leads") {
                            $0.registry["health"] == "healthy" && $0.delivery["leadership"] == "notElected"
                                && $0.delivery["pending"] == 0
                        }
                    }
                    try await scene.register(interfaces.flatMap { Provider.many($0, 3..<4) })
                    try await scene.deregister(Provider.many(interfaces[0], 0..<4))
                    try await scene.waitUntilEqual()
                    for bridge in [one, other] {
                        try await bridge.status("nothing is left to do") {
                            $0.delivery["pending"] == 0 && $0.delivery["failureCount"] == 0
                        }
                    }
                    try await scene.waitUntilEqual()
                    let after = try await scene.entries()
                    #expect(after.mapValues(\.virtualAddresses) == before.mapValues(\.virtualAddresses))
                }
            }
            func arrivals(_ writes: [AuditedRequest]) -> [AuditedRequest] {
                writes.filter { $0.verb == "patch" && $0.status == 200 && $0.name != interfaces[0].lowercased() }
            }
            let writes = try await eventually("the audit log is complete") {
                try scene.writes()
            } until: {
                Set(arrivals($0).map(\.name)).count == 39
            }
            // Who came second was refused, and found the work done.
            #expect(writes.count { $0.verb == "create" && $0.status == 201 } == 40)
            let arrivals = arrivals(writes)
            // Who hears of an arrival later than of the other's write may take that back for a moment.
            #expect((39..<78).contains(arrivals.count), "\(arrivals.count)")
            #expect(writes.allSatisfy { $0.verb != "delete" })
        }
    }

    @Test("fault 9: when the leader is killed the standby, which wrote nothing until then, takes over within one lease")
    func takeover() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.orders, 0..<2) + Provider.many(Self.stock, 0..<2))
            let one = BridgeOptions(context: "admin", leadership: Self.shortLease)
            let other = BridgeOptions(context: "certificate", leadership: Self.shortLease)
            try await scene.withBridge(configured: one) { leader in
                try await leader.status("it leads") { $0.delivery["leadership"] == "leading" }
                try await scene.withBridge(configured: other) { standby in
                    try await scene.waitUntilEqual()
                    try await standby.status("it stands by, and knows all") {
                        $0.delivery["leadership"] == "standby" && $0.registry["health"] == "healthy"
                    }
                    let before = try await scene.entries()
                    await leader.kill()
                    let killed = ContinuousClock.now
                    try await scene.register(Provider.many(Self.orders, 2..<3))
                    try await standby.status("it leads") { $0.delivery["leadership"] == "leading" }
                    // The lease, of which a renewal is seen up to an attempt late, one attempt after its end, and a
                    // look at the status.
                    #expect(ContinuousClock.now - killed < .seconds(20))
                    try await scene.waitUntilEqual()
                    #expect(try await scene.entries()["com.acme.stock"] == before["com.acme.stock"])
                    try leader.restart()
                    try await leader.status("it stands by") { $0.delivery["leadership"] == "standby" }
                }
            }
            let writes = try await eventually("the audit log is complete") {
                try scene.writes()
            } until: {
                $0.count >= 3
            }
            #expect(writes.map(\.verb) == ["create", "create", "patch"])
            #expect(writes.map(\.user) == ["admin", "admin", "certificate"])
        }
    }

    private static func leaseAnnotations(_ scene: Scene) async throws -> String {
        try await scene.server.kubectl(
            "get", "lease", "isthmus-main", "-n", scene.namespace, "-o", "jsonpath={.metadata.annotations}")
    }

    @Test(
        "fault 9: a leader without its registry leaves the lease to a standby that has one, else it leads on"
    )
    func unfitLeader() async throws {
        try await Self.withProxy { scene, proxy in
            try await scene.register(Provider.many(Self.orders, 0..<2))
            let one = BridgeOptions(
                zooKeeper: proxy, registry: "sessionTimeout: 4s", context: "admin", leadership: Self.shortLease)
            let other = BridgeOptions(context: "certificate", leadership: Self.shortLease)
            try await scene.withBridge(configured: one) { cutOff in
                try await cutOff.status("it leads") { $0.delivery["leadership"] == "leading" }
                try await scene.waitUntilEqual()
                try await proxy.refuse()
                await proxy.cut()
                try await eventually("it says that it is unfit") {
                    try await Self.leaseAnnotations(scene)
                } until: {
                    $0.contains("holder-unfit")
                }
                try await cutOff.status("it leads on") { $0.delivery["leadership"] == "leading" }
                try await scene.withBridge(configured: other) { standby in
                    try await standby.status("it leads") { $0.delivery["leadership"] == "leading" }
                    try await cutOff.status("it stands by") { $0.delivery["leadership"] == "standby" }
                    try await scene.register(Provider.many(Self.orders, 2..<3))
                    try await scene.waitUntilEqual()
                    try await proxy.refuse(false)
                    try await cutOff.status("it follows the registry, and stands by") {
                        $0.registry["health"] == "healthy" && $0.delivery["leadership"] == "standby"
                    }
                    #expect(try await !Self.leaseAnnotations(scene).contains("isthmus.mesh"))
                }
            }
            let writes = try await eventually("the audit log is complete") {
                try scene.writes()
            } until: {
                $0.count >= 2
            }
            #expect(writes.map(\.user) == ["admin", "certificate"])
        }
    }

    @Test("fault 10: a leader that was stopped and goes on when another leads writes nothing more")
    func pausedLeader() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.orders, 0..<2))
            let one = BridgeOptions(context: "admin", leadership: Self.shortLease)
            let other = BridgeOptions(context: "certificate", leadership: Self.shortLease)
            try await scene.withBridge(configured: one) { leader in
                try await leader.status("it leads") { $0.delivery["leadership"] == "leading" }
                try await scene.waitUntilEqual()
                try await scene.withBridge(configured: other) { standby in
                    try await standby.status("it stands by, and knows all") {
                        $0.delivery["leadership"] == "standby" && $0.registry["health"] == "healthy"
                    }
                    await leader.process.pause()
                    try await scene.register(Provider.many(Self.orders, 2..<3))
                    try await standby.status("it leads") { $0.delivery["leadership"] == "leading" }
                    try await scene.waitUntilEqual()
                    leader.process.resume()
                    try await leader.status("it stands by") { $0.delivery["leadership"] == "standby" }
                    try await scene.register(Provider.many(Self.orders, 3..<4))
                    try await scene.waitUntilEqual()
                }
            }
            let writes = try await eventually("the audit log is complete") {
                try scene.writes()
            } until: {
                $0.count >= 3
            }
            #expect(writes.map(\.verb) == ["create", "patch", "patch"])
            #expect(writes.map(\.user) == ["admin", "certificate", "certificate"])
        }
    }
}
