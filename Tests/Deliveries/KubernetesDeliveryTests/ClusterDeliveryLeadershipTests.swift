import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery to a cluster among replicas, and its full comparisons", .timeLimit(.minutes(1)))
struct ClusterDeliveryLeadershipTests {
    @Test(
        "a replica that doesn't lead reads and writes nothing but its watch; one that begins to lead sees to everything"
    )
    func standby() async throws {
        try await World.run { world in
            let lead = Lead(false)
            try await world.create(.sample("orphan", 1), labels: World.ownership.labels)
            world.wishes[.in("orphan")] = .absent
            try await world.withDelivery(leadership: lead) { delivery in
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] == 1 }
                for index in 0..<50 { world.wish(.sample("s-\(index)", 1), of: delivery) }
                try await world.create(.sample("s-0", 9), labels: World.ownership.labels)
                try await world.patch("s-0", ["spec": ["endpoints": []]])
                try await delivery.settle()
                #expect(await world.server.requestCounts.writes == 0)
                #expect(await world.server.requestCounts[.get, "serviceentries"] == 0)
                #expect(world.wishes.receipts.isEmpty && delivery.report(limit: 0).failureCount == 0)
                lead.isLeading = true
                await delivery.compareEverything()
                for index in 0..<50 { try await world.wait(for: .sample("s-\(index)", 1)) }
                try await world.waitUntilGone("orphan")
            }
        }
    }

    @Test("whatever changes during a takeover, it needs one list")
    func takeoverUnderChurn() async throws {
        try await World.run { world in
            let lead = Lead(false)
            for index in 0..<300 {
                try await world.create(.sample("s-\(index)", 1), labels: World.ownership.labels)
                world.wishes[.in("s-\(index)")] = .present(.sample("s-\(index)", 1))
            }
            try await world.withDelivery(leadership: lead) { delivery in
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] == 1 }
                // What is listed was looked at; what happens from now on was not.
                try await yield(while: world.wishes.seeded.isEmpty)
                try await world.patch("s-0", ["spec": ["endpoints": []]])
                try await yield(while: await !delivery.isOutdated)
                let lists = await world.server.requestCounts[.list, "serviceentries"]
                lead.isLeading = true
                await delivery.beginToLead()
                while await world.server.requestCounts.writes == 0 {
                    delivery.changed([.in("s-\(Int.random(in: 1..<300))")])
                    try await Task.sleep(for: .milliseconds(1))
                }
                #expect(await world.server.requestCounts[.list, "serviceentries"] == lists + 1)
                try await world.wait(for: .sample("s-0", 1))
            }
        }
    }

    @Test("what another replica changes between the two lists of a round is looked at by the takeover")
    func changedBetweenLists() async throws {
        try await World.run { world in
            let lead = Lead(false)
            try await world.create(.sample("a", 1), labels: World.ownership.labels)
            world.wishes[.in("a")] = .present(.sample("a", 1))
            await world.server.inject(
                .holdReply { $0.spec("go") != nil },
                where: { $0.verb == .list && $0.resource == "workloadentries" })
            try await world.withDelivery(leadership: lead, usesWorkloads: true) { delivery in
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] == 1 }
                try await world.patch("a", ["spec": ["endpoints": []]])
                try await yield(while: await !delivery.isOutdated)
                try await world.create(.sample("go", 1))
                try await world.server.waitForRequests { $0[.watch, "workloadentries"] == 1 }
                #expect(await delivery.isOutdated)
                lead.isLeading = true
                await delivery.beginToLead()
                try await world.server.waitForRequests { $0[.list, "serviceentries"] == 2 }
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test("a takeover comes to its end although WorkloadEntries can't be followed any more, where none is needed")
    func takeoverWithoutWorkloads() async throws {
        try await World.run { world in
            let lead = Lead(false)
            try await world.create(.sample("a", 1), labels: World.ownership.labels)
            world.wishes[.in("a")] = .present(.sample("a", 1))
            try await world.withDelivery(leadership: lead, usesWorkloads: true) { delivery in
                try await world.server.waitForRequests {
                    $0[.watch, "serviceentries"] == 1 && $0[.watch, "workloadentries"] == 1
                }
                await world.server.inject(.respond(status: 403), times: .max) { $0.resource == "workloadentries" }
                try await world.patch("a", ["spec": ["endpoints": []]])
                try await yield(while: await !delivery.isOutdated)
                lead.isLeading = true
                await delivery.beginToLead()
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test("a replica that leads again without being told of it catches up with the next change")
    func lateNotice() async throws {
        try await World.run { world in
            let lead = Lead(false)
            try await world.withDelivery(leadership: lead) { delivery in
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] == 1 }
                world.wish(.sample("a", 1), of: delivery)
                try await delivery.settle()
                lead.isLeading = true
                world.wish(.sample("b", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.wait(for: .sample("b", 1))
            }
        }
    }

    @Test("a replica that stops leading between its look and its write doesn't write")
    func lostBeforeWrite() async throws {
        try await World.run { world in
            // It is asked when the first list is complete, when an object's turn comes, and before the write.
            let lead = Lead(true, questions: 2)
            try await world.withDelivery(workers: 1, leadership: lead) { delivery in
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] == 1 }
                world.wish(.sample("a", 1), of: delivery)
                try await delivery.settle()
                #expect(await world.server.requestCounts.writes == 0)
                #expect(world.wishes.receipts.isEmpty)
            }
        }
    }

    @Test("a full comparison finds what nothing told of, and costs no request where nothing differs")
    func resync() async throws {
        try await World.run { world in
            let clock = ManualClock()
            try await world.withDelivery(resyncInterval: .seconds(600), clock: clock) { delivery in
                for name in ["a", "b"] { world.wish(.sample(name, 1), of: delivery) }
                for name in ["a", "b"] { try await world.wait(for: .sample(name, 1)) }
                try await delivery.settle()
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] > 0 }
                // The watches open when they like.
                func total() async -> Int {
                    let counts = await world.server.requestCounts
                    return ["destinationrules", "workloadentries"].reduce(
                        counts.total - counts[.watch, "serviceentries"]
                    ) { $0 - counts[.list, $1] - counts[.watch, $1] }
                }
                let before = await total()
                for _ in 1...3 {
                    await clock.someoneSleeps()
                    clock.advance(by: .seconds(600))
                    try await delivery.settle()
                }
                #expect(await total() == before)
                // The registry's changes, of which the delivery isn't told.
                world.wishes[.in("a")] = .absent
                world.wishes[.in("c")] = .present(.sample("c", 1))
                await clock.someoneSleeps()
                clock.advance(by: .seconds(600))
                try await world.wait(for: .sample("c", 1))
                try await world.waitUntilGone("a")
            }
        }
    }
}
