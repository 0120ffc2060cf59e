import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery to a cluster where much keeps changing", .timeLimit(.minutes(1)))
struct ClusterDeliveryPacingTests {
    private let clock = ManualClock()

    /// A delivery after its first sync. The cluster has the object `a`, and the last write is some time ago.
    private func run(_ body: @Sendable (World, ClusterDelivery) async throws -> Void) async throws {
        try await World.run { world in
            try await world.withDelivery(pause: ClusterDelivery.standardPause, clock: clock) { delivery in
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                try await delivery.settle()
                clock.advance(by: .seconds(10))
                try await body(world, delivery)
            }
        }
    }

    private func spec(_ world: World, _ name: String) async -> JSONValue? { await world.server.store.spec(name) }

    @Test("the first change is written at once, the next ones together after a breath, once for each object")
    func burst() async throws {
        try await run { world, delivery in
            let writes = await world.server.requestCounts.writes
            world.wish(.sample("a", 1, 3), of: delivery)
            try await world.wait(for: .sample("a", 1, 3))
            try await delivery.settle()
            for host in 4...7 { world.wish(.sample("a", 1, host), of: delivery) }
            let breath = try #require(await clock.nextDeadline())
            #expect(breath <= ClusterDelivery.standardPause && delivery.report(limit: 0).pending == 1)
            clock.advance(by: breath)
            try await world.wait(for: .sample("a", 1, 7))
            #expect(await world.server.requestCounts.writes == writes + 2)
        }
    }

    @Test("new services are gathered, while endpoints of the others are written")
    func fullPushes() async throws {
        try await run { world, delivery in
            world.wish(.sample("b", 1), of: delivery)
            try await world.wait(for: .sample("b", 1))
            try await delivery.settle()
            world.wish(.sample("c", 1), .sample("d", 1), of: delivery)
            await clock.someoneSleeps()
            clock.advance(by: .seconds(1))
            world.wish(.sample("a", 1, 3), of: delivery)
            try await world.wait(for: .sample("a", 1, 3))
            try await delivery.settle(waiting: 2)
            #expect(await spec(world, "c") == nil)
            clock.advance(by: .seconds(1))
            try await world.wait(for: .sample("c", 1))
            try await world.wait(for: .sample("d", 1))
        }
    }

    @Test("what somebody else changed in a breath is put right after it, and the fight is noticed")
    func drift() async throws {
        try await run { world, delivery in
            for _ in 0..<3 {
                world.wish(.sample("b", 1), of: delivery)
                try await world.patch("a", ["spec": ["endpoints": [["address": "10.9.9.9"]]]])
                while await spec(world, "a") != ServiceEntry.sample("a", 1, 2).spec {
                    clock.advance(by: .milliseconds(10))
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            await world.wishes.waitForConflicts(1)
        }
    }

    @Test("a deletion is a full push like others, and so is what is made anew after it")
    func deletion() async throws {
        try await run { world, delivery in
            world.wish(absent: "a", of: delivery)
            try await world.waitUntilGone("a")
            try await delivery.settle()
            world.wish(.sample("a", 3), of: delivery)
            await clock.someoneSleeps()
            clock.advance(by: .seconds(2))
            try await world.wait(for: .sample("a", 3))
        }
    }

    @Test("the first sync is written without a breath")
    func firstSync() async throws {
        try await World.run { world in
            for index in 0..<200 { world.wishes[.in("s-\(index)")] = .present(.sample("s-\(index)", 1)) }
            try await world.withDelivery(pause: ClusterDelivery.standardPause, clock: clock) { delivery in
                try await world.wait(for: .sample("s-199", 1))
                try await delivery.settle()
                for index in 0..<200 { #expect(await spec(world, "s-\(index)") != nil) }
            }
        }
    }
}
