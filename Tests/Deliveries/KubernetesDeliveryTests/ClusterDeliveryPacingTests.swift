import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Sandbox
import Testing

@Suite("a delivery to a cluster where much keeps changing", .timeLimit(.minutes(1)))
struct ClusterDeliveryPacingTests {
    private let clock = ManualClock()

    /// A delivery to a server that takes a second for each write, with an object that has just been written.
    private func run(_ body: @Sendable (World, ClusterDelivery) async throws -> Void) async throws {
        try await World.run { world in
            await world.server.admit { [clock] _ in clock.advance(by: .seconds(1)) }
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                await world.wishes.wait { $0.map(\.outcome) == [.created(.full([.appears]))] }
                await world.server.admit(by: nil)
                try await body(world, delivery)
            }
        }
    }

    @Test("what changes again soon is written when its time has come, once for all changes, and other objects at once")
    func paced() async throws {
        try await run { world, delivery in
            for host in 2...5 { world.wish(.sample("a", host), of: delivery) }
            let delay = try #require(await clock.nextDeadline())
            world.wish(.sample("b", 1), of: delivery)
            try await world.wait(for: .sample("b", 1))
            #expect(await world.server.store.spec("a") == ServiceEntry.sample("a", 1).spec)
            #expect(delivery.report(limit: 0).pending > 0 && delay <= .seconds(5))
            clock.advance(by: delay)
            try await world.wait(for: .sample("a", 5))
            #expect(await world.server.requestCounts.writes == 3)
        }
    }

    @Test("what somebody else changed is put right at once, with what is wanted by now")
    func drift() async throws {
        try await run { world, delivery in
            world.wish(.sample("a", 2), of: delivery)
            await clock.someoneSleeps()
            try await world.patch("a", ["spec": ["hosts": ["stolen.example"]]])
            try await world.wait(for: .sample("a", 2))
        }
    }

    @Test("a deletion doesn't wait, and nor does what is made anew after it")
    func deletion() async throws {
        try await run { world, delivery in
            world.wish(.sample("a", 2), of: delivery)
            await clock.someoneSleeps()
            world.wish(absent: "a", of: delivery)
            try await world.waitUntilGone("a")
            try await delivery.settle()
            world.wish(.sample("a", 3), of: delivery)
            try await world.wait(for: .sample("a", 3))
        }
    }

    @Test("nothing waits where writes are not paced")
    func unpaced() async throws {
        try await World.run { world in
            await world.server.admit { [clock] _ in clock.advance(by: .seconds(1)) }
            try await world.withDelivery(isPaced: false, clock: clock) { delivery in
                for host in 1...5 {
                    world.wish(.sample("a", host), of: delivery)
                    try await world.wait(for: .sample("a", host))
                }
                #expect(clock.sleeperCount == 0)
            }
        }
    }
}
