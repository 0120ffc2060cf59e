import Deliveries
import IsthmusTesting
import JSON
import Kubernetes
import KubernetesDelivery
import Sandbox
import Testing

/// Through the wire: a ZooKeeper and an API server in memory, and all of the bridge between them.
@Suite("faults on the way into a cluster", .timeLimit(.minutes(1)))
struct ClusterFaultTests {
    /// A street whose replica has the lease.
    private func withLeader(
        clock: any Clock<Duration> = HastyClock(),
        _ body: @escaping @Sendable (Street, ZooKeeperServer, PausedLeader) async throws -> Void
    ) async throws {
        try await Street.withCluster { cluster in
            let leader = try await PausedLeader(cluster)
            try await leader.standing {
                try await leader.leads()
                try await withZooKeeperServer { registry in
                    try await registry.makePath("/dubbo")
                    let plan = Street.Plan(leadership: leader, clock: clock)
                    try await Street.run(plan, cluster, registry: try await registry.address) {
                        try await body($0, registry, leader)
                    }
                }
            }
        }
    }

    @Test("fault 10: a leader that is paused before a write, and wakes when another leads, doesn't write")
    func pausedLeader() async throws {
        try await withLeader { street, registry, leader in
            try await registry.register("a.Cart", 1)
            try await street.wait(for: "a.cart", ["10.0.0.1"])
            try await street.settle()
            let before = await street.object("a.cart")
            await leader.clock.someoneSleeps()
            // It does not know of this yet, and when it is woken it is too late.
            try await street.cluster.setLeader("two")
            leader.pauseAfterNextLook(for: .seconds(30))
            try await registry.register("a.Cart", 2)
            try await yield(while: leader.isToPause)
            try await street.settle()
            try await registry.register("a.Order", 3)
            try await eventually("it knows who leads") { leader.election.holder == "two" }
            try await street.settle()
            #expect(await street.object("a.cart") == before)
            #expect(await street.object("a.order") == nil)
            try await street.cluster.setLeader("")
            try await leader.leads()
            try await registry.register("a.Till", 4)
            try await street.wait(for: "a.cart", ["10.0.0.1", "10.0.0.2"])
            try await street.wait(for: "a.order", ["10.0.0.3"])
        }
    }

    @Test("fault 14: a server that asks for a pause gets it, while the lease is renewed all the time")
    func retryAfter() async throws {
        let clock = ManualClock()
        try await withLeader(clock: clock) { street, registry, leader in
            await street.cluster.inject(
                .respond(status: 429, headers: [("Retry-After", "20")]),
                where: { $0.resource == "serviceentries" && $0.verb == .create })
            try await registry.register("a.Cart", 1)
            try await yield(while: street.delivery.report(limit: 0).failureCount != 1)
            try await registry.register("a.Order", 2)
            for _ in 1...19 {
                try await leader.renews(in: street.cluster)
                clock.advance(by: .seconds(1))
                #expect(leader.election.isLeading)
                #expect(await street.object("a.cart") == nil)
                #expect(await street.object("a.order") == nil)
            }
            try await leader.renews(in: street.cluster)
            clock.advance(by: .seconds(1))
            try await street.wait(for: "a.cart", ["10.0.0.1"])
            try await street.wait(for: "a.order", ["10.0.0.2"])
            #expect(leader.election.isLeading)
        }
    }

    @Test("fault 15: after writes whose outcome is unknown each object is there once, and as it should be")
    func unknownOutcomes() async throws {
        let faults: [APIServerFault] = [
            .respond(status: 500), .respond(status: 503), .hang, .dropConnection, .loseReply,
        ]
        try await Street.run { street, registry in
            for (index, fault) in faults.enumerated() {
                await street.cluster.inject(fault, where: { $0.verb == .create && $0.resource == "serviceentries" })
                try await registry.register("a.S\(index)", 1)
                try await street.wait(for: "a.s\(index)", ["10.0.0.1"])
            }
            try await street.settle()
            let uids = await street.uids
            for (index, fault) in faults.enumerated() {
                await street.cluster.inject(fault, where: { $0.verb == .patch })
                try await registry.register("a.S\(index)", 2)
                try await street.wait(for: "a.s\(index)", ["10.0.0.1", "10.0.0.2"])
            }
            try await street.settle()
            #expect(await street.uids == uids && uids.count == faults.count)
        }
    }

    @Test("fault 16: who is refused reads its credentials anew, and delivers with those that are taken")
    func rotatedToken() async throws {
        let folder = try TemporaryFolder(label: "token")
        let path = try folder.write("old", to: "token")
        try await Street.run(.init(token: .file(path))) { street, registry in
            try await registry.register("a.Cart", 1)
            try await street.wait(for: "a.cart", ["10.0.0.1"])
            await street.cluster.inject(.respond(status: 401), times: .max, where: { $0.bearerToken != "new" })
            try await registry.register("a.Cart", 2)
            try await yield(while: street.delivery.report(limit: 0).failureCount != 1)
            #expect(await street.endpoints("a.cart") == ["10.0.0.1"])
            try folder.write("new", to: "token")
            try await street.wait(for: "a.cart", ["10.0.0.1", "10.0.0.2"])
            try await yield(while: street.delivery.report(limit: 0).failureCount != 0)
        }
    }

    @Test("fault 16: who lacks a permission asks less and less often, says which it is, and delivers when it is given")
    func missingPermission() async throws {
        let clock = ManualClock()
        try await Street.run(.init(clock: clock)) { street, registry in
            await street.cluster.inject(.respond(status: 403), times: .max, where: { $0.verb == .create })
            try await registry.register("a.Cart", 1)
            var pauses: [Duration] = []
            for _ in 1...4 {
                try await yield(while: street.delivery.report(limit: 1).failures.first?.retryIn == nil)
                pauses.append(try #require(await clock.nextDeadline()))
                #expect(
                    street.delivery.report(limit: 1).failures.first?.reason.contains(
                        "needs get, list, watch, create, patch and delete on serviceentries.networking.istio.io")
                        == true)
                if pauses.count == 4 { await street.cluster.removeFaults() }
                clock.advance(by: pauses[pauses.count - 1])
            }
            // Twice as long each time, the upper half at random.
            #expect(zip(pauses, pauses.dropFirst(2)).allSatisfy { $0 < $1 })
            try await street.wait(for: "a.cart", ["10.0.0.1"])
        }
    }
}

extension Street {
    fileprivate var uids: [String: JSONValue] {
        get async {
            let store = await cluster.store
            let pairs = store.keys(.serviceEntry).compactMap { key in
                store.object(.serviceEntry, namespace: key.namespace, name: key.name)?["metadata"]?["uid"]
                    .map { (key.name, $0) }
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
    }
}
