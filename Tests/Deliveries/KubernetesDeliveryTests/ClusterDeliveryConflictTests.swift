import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Sandbox
import Testing

@Suite("a delivery to a cluster where somebody else wants something different", .timeLimit(.minutes(1)))
struct ClusterDeliveryConflictTests {
    private let clock = ManualClock()

    @Test("the first drift is repaired at once; what is changed again and again is put right less and less often")
    func conflict() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.patch("a", ["spec": ["hosts": ["stolen.example"]]])
                try await world.wait(for: .sample("a", 1))
                for round in 1...4 {
                    try await delivery.settle()
                    try await world.patch("a", ["spec": ["hosts": ["stolen.example"]]])
                    await world.wishes.waitForConflicts(round)
                    let pause = try #require(await clock.nextDeadline())
                    #expect(pause > .milliseconds(500 << (round - 1)) && pause <= .seconds(1 << (round - 1)))
                    #expect(await world.server.store.spec("a")?["hosts"] == ["stolen.example"])
                    clock.advance(by: pause)
                    try await world.wait(for: .sample("a", 1))
                }
                let reasons = world.wishes.receipts.compactMap(\.conflict)
                #expect(reasons.count == 4 && Set(reasons).count == 4)
                #expect(reasons.first == "somebody else keeps changing spec.hosts; it is put right every 1 s at most")
            }
        }
    }

    @Test("what the registry wants is written at once, however long a field conflict delays repairs")
    func newWish() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.patch("a", ["spec": ["endpoints": []]])
                try await world.wait(for: .sample("a", 1))
                try await delivery.settle()
                try await world.patch("a", ["spec": ["endpoints": []]])
                await world.wishes.waitForConflicts(1)
                #expect(delivery.report(limit: 1).failures.first?.kind == .fieldConflict)
                world.wish(.sample("a", 2), of: delivery)
                try await world.wait(for: .sample("a", 2))
                try await delivery.waitForFailures(0)
            }
        }
    }

    @Test("an object that somebody keeps deleting is made again less and less often")
    func deletions() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await delivery.settle()
                try await world.delete("a")
                try await world.wait(for: .sample("a", 1))
                try await delivery.settle()
                try await world.delete("a")
                await world.wishes.waitForConflicts(1)
                #expect(await world.server.store.object("a") == nil)
                #expect(world.wishes.receipts.last?.conflict?.hasPrefix("somebody else keeps deleting it") == true)
                clock.advance(by: .seconds(1))
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test(
        "a webhook that changes a field of ours in flight is noticed, backed off from and reported, and others proceed")
    func webhook() async throws {
        try await World.run { world in
            await world.server.admit { object in
                guard object["metadata"]?["name"]?.string == "a" else { return }
                object =
                    JSONValue.object(object).applying(mergePatch: ["spec": ["hosts": ["webhook.example"]]])
                    .object ?? object
            }
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                for round in 1...3 {
                    await world.wishes.waitForConflicts(round)
                    try await delivery.settle()
                    let pause = try #require(await clock.nextDeadline())
                    #expect(pause > .milliseconds(500 << (round - 1)) && pause <= .seconds(1 << (round - 1)))
                    #expect(await world.server.requestCounts.writes == round)
                    clock.advance(by: pause)
                }
                #expect(world.wishes.receipts.first?.conflict?.contains("spec.hosts is stored otherwise") == true)
                world.wish(.sample("b", 1), of: delivery)
                try await world.wait(for: .sample("b", 1))
                // Its other fields are ours as before.
                world.wish(.sample("a", 2), of: delivery)
                let endpoints = ServiceEntry.sample("a", 2).spec["endpoints"]
                try await world.server.wait { $0.spec("a")?["endpoints"] == endpoints }
                try await delivery.settle()
                await world.server.admit(by: nil)
                clock.advance(by: .seconds(300))
                try await world.wait(for: .sample("a", 2))
                try await delivery.waitForFailures(0)
            }
        }
    }

    @Test("after a quiet time the next drift is repaired at once again")
    func quiet() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                for _ in 1...3 {
                    try await world.patch("a", ["spec": ["endpoints": []]])
                    try await world.wait(for: .sample("a", 1))
                    try await delivery.settle()
                    clock.advance(by: .seconds(600))
                }
                #expect(world.wishes.receipts.allSatisfy { $0.conflict == nil })
            }
        }
    }
}
