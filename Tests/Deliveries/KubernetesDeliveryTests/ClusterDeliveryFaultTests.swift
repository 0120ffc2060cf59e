import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery to a cluster where something goes wrong", .timeLimit(.minutes(1)))
struct ClusterDeliveryFaultTests {
    @Test("a write that meets somebody else's newer version is planned anew on that version")
    func conflict() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.blindfold()
                try await world.patch("a", ["spec": ["hosts": ["stolen.example"], "exportTo": ["."]]])
                world.wish(.sample("a", 2), of: delivery)
                let wanted = ServiceEntry.sample("a", 2).spec
                try await world.server.wait {
                    $0.spec("a")?["hosts"] == wanted["hosts"] && $0.spec("a")?["endpoints"] == wanted["endpoints"]
                }
                #expect(await world.server.store.spec("a")?["exportTo"] == ["."])
                #expect(await world.server.requestCounts[.patch, "serviceentries"] == 2)
            }
        }
    }

    @Test("an object that somebody deleted and made anew as theirs is not deleted by what was planned for ours")
    func replacedObject() async throws {
        try await World.run { world in
            try await world.withDelivery(workers: 1) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.blindfold()
                try await world.delete("a")
                try await world.create(.sample("a", 9))
                world.wish(absent: "a", of: delivery)
                try await world.server.waitForRequests { $0[.delete, "serviceentries"] == 1 }
                // The first look afterwards reads the object and sees that it isn't ours.
                try await world.server.waitForRequests { $0[.get, "serviceentries"] == 1 }
                world.wish(.sample("last", 1), of: delivery)
                try await world.wait(for: .sample("last", 1))
                #expect(await world.server.store.spec("a") == ServiceEntry.sample("a", 9).spec)
                #expect(await world.server.requestCounts[.delete, "serviceentries"] == 1)
            }
        }
    }

    @Test("an object that somebody deleted unseen is made again by the next change")
    func deletedUnseen() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.blindfold()
                try await world.delete("a")
                world.wish(.sample("a", 2), of: delivery)
                try await world.wait(for: .sample("a", 2))
            }
        }
    }

    @Test("a create whose answer is lost makes one object, which is ours and can be changed")
    func lostReply() async throws {
        try await World.run { world in
            await world.server.inject(.loseReply, where: { $0.verb == .create })
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                await world.wishes.wait { $0.contains { $0.outcome == .updated(.endpointsOnly) } }
                world.wish(absent: "a", of: delivery)
                try await world.waitUntilGone("a")
                #expect(await world.server.requestCounts[.create, "serviceentries"] <= 2)
                #expect(world.wishes.receipts.allSatisfy { $0.refusal == nil })
            }
        }
    }

    @Test("a patch whose answer is lost is not repeated blindly: what it left behind is read first")
    func lostPatchReply() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                await world.server.inject(.loseReply, where: { $0.verb == .patch })
                world.wish(.sample("a", 2), of: delivery)
                try await world.wait(for: .sample("a", 2))
                world.wish(.sample("a", 3), of: delivery)
                try await world.wait(for: .sample("a", 3))
                #expect(await world.server.requestCounts[.patch, "serviceentries"] == 2)
            }
        }
    }

    @Test("an object that the server refuses waits by itself, while others are delivered, and goes when it is mended")
    func quarantine() async throws {
        try await World.run { world in
            var bad = ServiceEntry.sample("bad", 1)
            bad.hosts = []
            world.wishes[bad.key] = .present(bad)
            try await world.withDelivery(workers: 1) { delivery in
                delivery.changed([.in("bad")])
                await world.wishes.waitForRefusal(of: "bad")
                for index in 0..<20 { world.wish(.sample("good-\(index)", 1), of: delivery) }
                for index in 0..<20 { try await world.wait(for: .sample("good-\(index)", 1)) }
                #expect(await world.server.store.object("bad") == nil)
                world.wish(.sample("bad", 1), of: delivery)
                try await world.wait(for: .sample("bad", 1))
            }
        }
    }

    @Test("a server that sheds load is asked again, and not before the time that it names")
    func retryAfter() async throws {
        try await World.run { world in
            await world.server.inject(
                .respond(status: 429, headers: [("Retry-After", "1")]), where: { $0.verb == .create })
            try await world.withDelivery { delivery in
                let began = ContinuousClock.now
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                #expect(began.duration(to: .now) >= .seconds(1))
            }
        }
    }

    @Test("while a server wants to be left alone nothing is written, and everything is afterwards")
    func pause() async throws {
        try await World.run { world in
            await world.server.inject(
                .respond(status: 429, headers: [("Retry-After", "1")]), where: { $0.verb == .create })
            let clock = ManualClock()
            try await world.withDelivery(workers: 4, clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await delivery.waitForFailures(1)
                let names = (0..<20).map { "s-\($0)" }
                for name in names { world.wish(.sample(name, 1), of: delivery) }
                await clock.someoneSleeps()
                clock.advance(by: .milliseconds(999))
                await clock.someoneSleeps()
                #expect(await world.server.requestCounts.writes == 1)
                clock.advance(by: .milliseconds(1))
                for name in names + ["a"] { try await world.wait(for: .sample(name, 1)) }
            }
        }
    }

    @Test(
        "a bridge without permission asks again now and then, names the permission, and delivers once allowed",
        arguments: [401, 403])
    func notAllowed(status: Int) async throws {
        try await World.run { world in
            let clock = ManualClock()
            await world.server.inject(.respond(status: status), times: .max, where: { $0.verb == .create })
            try await world.withDelivery(clock: clock) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                for round in 1...4 {
                    try await delivery.waitForFailures(1)
                    try await delivery.settle()
                    let writes = await world.server.requestCounts.writes
                    let pause = try #require(delivery.report(limit: 1).failures.first?.retryIn)
                    #expect(pause >= .milliseconds(250))
                    if round == 4 { await world.server.removeFaults() }
                    await clock.someoneSleeps()
                    clock.advance(by: pause)
                    try await world.server.waitForRequests { $0.writes > writes }
                }
                try await world.wait(for: .sample("a", 1))
                try await delivery.waitForFailures(0)
                if status == 403 {
                    #expect(
                        world.wishes.receipts.first?.refusal?.contains(
                            "needs get, list, watch, create, patch and delete on serviceentries.networking.istio.io")
                            == true)
                }
            }
        }
    }

    @Test(
        "who is not allowed to look says which permission is missing, and delivers once allowed",
        arguments: [
            ResourceStore.Verb.list, .watch,
        ])
    func blind(verb: ResourceStore.Verb) async throws {
        try await World.run { world in
            await world.server.inject(.respond(status: 403), times: .max, where: { $0.verb == verb })
            try await world.withDelivery(clock: HastyClock()) { delivery in
                let asked = "the bridge needs get, list, watch"
                try await yield(while: delivery.report(limit: 0).condition?.reason.contains(asked) != true)
                world.wish(.sample("a", 1), of: delivery)
                await world.server.removeFaults()
                try await world.wait(for: .sample("a", 1))
                try await yield(while: delivery.report(limit: 0).condition != nil)
            }
        }
    }

    @Test("what the server refuses for good is attempted at once when the registry changes it")
    func refusedAndMended() async throws {
        try await World.run { world in
            var bad = ServiceEntry.sample("bad", 1)
            bad.hosts = []
            let clock = ManualClock()
            world.wishes[bad.key] = .present(bad)
            try await world.withDelivery(clock: clock) { [bad] delivery in
                for _ in 0..<5 {
                    delivery.changed([bad.key])
                    try await delivery.waitForFailures(1)
                    try await delivery.settle()
                }
                let failure = delivery.report(limit: 1).failures.first
                #expect(failure?.kind == .refused && failure?.key == bad.key)
                await world.server.inject(.dropConnection, where: { $0.verb == .create })
                world.wish(.sample("bad", 1), of: delivery)
                // A lost connection on the way is no refusal: it is tried again soon.
                await world.wishes.wait { $0.contains { if case .failed = $0.outcome { true } else { false } } }
                try await delivery.settle()
                clock.advance(by: .milliseconds(500))
                try await world.wait(for: .sample("bad", 1))
            }
        }
    }

    @Test("a server that fails, drops connections or ends its watches is asked until all is as wanted")
    func transientFaults() async throws {
        try await World.run { world in
            await world.server.inject(.respond(status: 500), where: { $0.verb == .create })
            await world.server.inject(.dropConnection, where: { $0.verb == .create })
            await world.server.inject(.respond(status: 503), where: { $0.verb == .list })
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.wait(for: .sample("b", 1))
                await world.server.closeWatches()
                try await world.delete("a")
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test("after a watch that has fallen behind, what was missed is found by a new list and repaired")
    func goneWatch() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), .sample("b", 1), .sample("c", 1), of: delivery)
                for name in ["a", "b", "c"] { try await world.wait(for: .sample(name, 1)) }
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] > 0 }
                // Between two watches: the version that the next one starts from is forgotten by then.
                await world.server.inject(.respond(status: 503), times: .max, where: { $0.verb == .watch })
                let watches = await world.server.requestCounts[.watch, "serviceentries"]
                await world.server.closeWatches()
                try await world.server.waitForRequests { $0[.watch, "serviceentries"] > watches }
                try await world.delete("a")
                try await world.patch("b", ["spec": ["endpoints": []]])
                await world.server.expireHistory()
                await world.server.removeFaults()
                try await world.wait(for: .sample("a", 1))
                try await world.wait(for: .sample("b", 1))
                #expect(await world.server.requestCounts[.list, "serviceentries"] >= 2)
            }
        }
    }

    @Test("where another version of the definitions is served from now on, that one is followed and written")
    func otherVersion() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                // That it comes back shows that it is watched.
                try await world.delete("a")
                try await world.wait(for: .sample("a", 1))
                await world.server.inject(.respond(status: 404), times: .max) { request in
                    let path = request.target.path
                    return path == "/apis/networking.istio.io/v1" || path.hasPrefix("/apis/networking.istio.io/v1/")
                }
                await world.server.closeWatches()
                try await world.server.waitForRequests { $0[.list, "serviceentries"] >= 2 }
                try await world.delete("a")
                try await world.wait(for: .sample("a", 1))
                world.wish(.sample("b", 1), of: delivery)
                try await world.wait(for: .sample("b", 1))
            }
        }
    }

    @Test("a server without the definitions is asked again until it has them")
    func missingDefinitions() async throws {
        try await withAPIServer(APIServer(kinds: [.namespace], namespaces: [World.namespace])) { server in
            let world = World(server: server)
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                let error = await #expect(throws: (any Error).self) { try await delivery.owned() }
                #expect("\(error.map { "\($0)" } ?? "")".contains("install Istio's CRDs"))
            }
            #expect(world.wishes.receipts.isEmpty)
        }
    }
}
