import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import Kubernetes
import KubernetesDelivery
import Logging
import Planning
import Sandbox
import Testing

@Suite("a delivery to a cluster", .timeLimit(.minutes(1)))
struct ClusterDeliveryTests {
    @Test("what is wanted is created, changed and deleted, with the owner's labels")
    func wishes() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.wait(for: .sample("b", 1))
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                world.wish(absent: "b", of: delivery)
                try await world.waitUntilGone("b")
                let object = await world.server.store.object("a")
                #expect(object?["metadata"]?["labels"]?.strings == World.ownership.labels)
                #expect(object?["metadata"]?["annotations"]?["isthmus.mesh/service"] == "a")
                await world.wishes.wait { $0.count == 4 }
                #expect(await world.server.requestCounts.writes == 4)
                // Two objects' receipts come in no order.
                let receipts = world.wishes.receipts
                #expect(receipts.last { $0.key.name == "a" }?.outcome == .updated(.endpointsOnly))
                #expect(receipts.last { $0.key.name == "b" }?.outcome == .deleted(.full([.disappears])))
            }
        }
    }

    @Test("a delivery that doesn't run carries out the changes of a one-shot reconcile")
    func oneShot() async throws {
        try await World.run { world in
            let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let client = try KubernetesClient(
                ClusterConfiguration(server: try await world.server.address.url), userAgent: "test", logger: silent)
            let delivery = ClusterDelivery(
                name: "test", client: client, namespace: World.namespace, ownership: World.ownership, logger: silent)
            let entry = Resource.serviceEntry(.sample("a", 1))
            let change = await delivery.plan(entry.key, wanted: entry, held: nil)
            let attempts = Observed<[Attempt]>([])
            await delivery.carryOut([PlannedChange(key: entry.key, change: change, push: change.push())]) {
                _, attempt in
                attempts.change { $0.append(attempt) }
            }
            #expect(attempts.value == [.done(.created(.full([.appears])))])
            #expect(await world.server.store.spec("a") == entry.spec)
            await client.shutdown()
        }
    }

    @Test("a restart with nothing changed reads what is there and writes nothing")
    func restart() async throws {
        try await World.run { world in
            let entries = (0..<50).map { ServiceEntry.sample("s-\($0)", 1, 2) }
            for entry in entries { world.wishes[entry.key] = .present(entry) }
            try await world.withDelivery { delivery in
                delivery.changed(entries.map(\.key))
                for entry in entries { try await world.wait(for: entry) }
            }
            let writes = await world.server.requestCounts.writes
            #expect(writes == 50)
            // A single worker goes through its keys in order: the last one shows that all others were looked at.
            try await world.withDelivery(workers: 1) { delivery in
                delivery.changed(entries.map(\.key))
                world.wish(.sample("last", 1), of: delivery)
                try await world.wait(for: .sample("last", 1))
            }
            #expect(world.wishes.seeded.map(\.key) == entries.map(\.key).sorted())
            #expect(await world.server.requestCounts.writes == writes + 1)
            #expect(await world.server.requestCounts[.get, "serviceentries"] == 0)
        }
    }

    @Test("what is undecided is left as it is")
    func undecided() async throws {
        try await World.run { world in
            try await world.create(.sample("a", 1), labels: World.ownership.labels)
            try await world.withDelivery(workers: 1) { delivery in
                delivery.changed([.in("a")])
                world.wish(.sample("last", 1), of: delivery)
                try await world.wait(for: .sample("last", 1))
                #expect(await world.server.store.spec("a") == ServiceEntry.sample("a", 1).spec)
            }
        }
    }

    @Test("whatever somebody else does to our fields or our object is undone, and their own fields are kept")
    func drift() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.patch("a", ["spec": ["endpoints": [], "hosts": ["stolen.example"]]])
                try await world.wait(for: .sample("a", 1))
                try await world.delete("a")
                try await world.wait(for: .sample("a", 1))
                try await world.patch(
                    "a",
                    [
                        "metadata": ["annotations": ["theirs": "kept"], "labels": ["team": "shop"]],
                        "spec": ["exportTo": ["."], "endpoints": []],
                    ])
                let desired = ServiceEntry.sample("a", 1).spec
                try await world.server.wait { $0.spec("a")?["endpoints"] == desired["endpoints"] }
                let object = await world.server.store.object("a")
                #expect(object?["metadata"]?["annotations"]?["theirs"] == "kept")
                #expect(object?["metadata"]?["labels"]?["team"] == "shop")
                #expect(object?["spec"]?["exportTo"] == ["."])
            }
        }
    }

    @Test("an object of the wanted name that isn't ours is neither changed nor deleted, and the conflict is reported")
    func foreignObject() async throws {
        try await World.run { world in
            try await world.create(.sample("a", 9), labels: ["owner": "somebody"])
            try await world.create(.sample("b", 9), labels: ["isthmus.mesh/instance": "other"])
            let before = await world.server.store.object("a")
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
                await world.wishes.waitForRefusal(of: "a")
                await world.wishes.waitForRefusal(of: "b")
                world.wish(absent: "a", of: delivery)
                world.wish(.sample("last", 1), of: delivery)
                try await world.wait(for: .sample("last", 1))
            }
            #expect(await world.server.store.object("a") == before)
            #expect(await world.server.store.spec("b") == ServiceEntry.sample("b", 9).spec)
            let reason = world.wishes.receipts.compactMap(\.refusal).first
            #expect(reason?.contains("exists and is not ours") == true)
            #expect(await world.server.requestCounts[.delete, "serviceentries"] == 0)
            #expect(await world.server.requestCounts[.patch, "serviceentries"] == 0)
        }
    }

    @Test("an object whose labels somebody removed is theirs until they give it back")
    func labelsRemoved() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.patch(
                    "a",
                    ["metadata": ["labels": ["isthmus.mesh/instance": .null]], "spec": ["hosts": ["theirs.example"]]])
                await world.wishes.waitForRefusal(of: "a")
                #expect(await world.server.store.spec("a")?["hosts"] == ["theirs.example"])
                try await world.patch("a", ["metadata": ["labels": ["isthmus.mesh/instance": "main"]]])
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test("thousands of changes at once, from several sides, end in what was wanted last")
    func mass() async throws {
        try await World.run { world in
            let names = (0..<300).map { "s-\($0)" }
            try await world.withDelivery { delivery in
                await withTaskGroup(of: Void.self) { group in
                    for part in 0..<3 {
                        group.addTask {
                            for round in 1...5 {
                                for name in names[(part * 100)..<(part * 100 + 100)] {
                                    if round == 4 {
                                        world.wish(absent: name, of: delivery)
                                    } else {
                                        world.wish(.sample(name, round, round + 1), of: delivery)
                                    }
                                }
                                await Task.yield()
                            }
                        }
                    }
                    group.addTask {
                        for name in names {
                            try? await world.patch(name, ["spec": ["endpoints": []]])
                            if name.hasSuffix("7") { try? await world.delete(name) }
                            await Task.yield()
                        }
                    }
                }
                try await world.server.wait { store in
                    names.allSatisfy { store.spec($0) == ServiceEntry.sample($0, 5, 6).spec }
                }
            }
            #expect(await world.server.store.keys(.serviceEntry).count == 300)
        }
    }
}
