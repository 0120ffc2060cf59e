import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Sandbox
import Synchronization
import Testing

@Suite("a delivery of endpoints that are objects of their own", .timeLimit(.minutes(1)))
struct ClusterDeliveryWorkloadTests {
    private static func service(_ numbers: [Int], isInline: Bool = false) -> ServiceEntry {
        var entry = ServiceEntry.sample("a")
        entry.endpoints = numbers.map { .init(address: "10.0.0.\($0)", ports: ["tcp-dubbo": 20880]) }
        if !isInline { entry.workloadSelector = ServiceEntry.selector(forEntry: "a") }
        return entry
    }

    @Test("a service moves out of its entry and back, and at every change of the cluster it is whole")
    func moves() async throws {
        try await World.run { world in
            let numbers = Array(1...40)
            try await world.withDelivery(usesWorkloads: true, clock: HastyClock(), isClientHasty: false) { delivery in
                world.wish(Self.service(numbers, isInline: true), of: delivery)
                try await world.server.wait { $0.visible == numbers.addresses }
                let gaps = Mutex(0)
                for isInline in [false, true, false] {
                    world.wish(Self.service(numbers, isInline: isInline), after: world.wishes, of: delivery)
                    try await world.server.wait { store in
                        if store.visible != numbers.addresses { gaps.withLock { $0 += 1 } }
                        return store.isInline == isInline && store.workloads.count == (isInline ? 0 : 40)
                    }
                }
                #expect(gaps.withLock { $0 } == 0)
                #expect(await world.server.requestCounts[.create, "workloadentries"] == 80)
                #expect(await world.server.requestCounts[.delete, "workloadentries"] == 40)
            }
        }
    }

    @Test(
        "whatever fails while a service moves there and back, those endpoints that stay are in sight at every change",
        arguments: SeededGenerator.seeds(6))
    func movesUnderFire(seed: UInt64) async throws {
        try await World.run { world in
            let clock = HastyClock()
            let staying = [1, 2, 3, 4]
            try await world.withDelivery(usesWorkloads: true, clock: clock) { delivery in
                world.wish(Self.service(staying, isInline: true), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == staying.addresses }
                var random = SeededGenerator(seed: seed)
                let gaps = Mutex(0)
                let observer = Task {
                    try await world.server.wait { store in
                        if !store.visible.isSuperset(of: staying.addresses) { gaps.withLock { $0 += 1 } }
                        return false
                    }
                }
                defer { observer.cancel() }
                for step in 0..<40 {
                    let passing = (5...9).filter { _ in Bool.random(using: &random) }
                    let isInline = Bool.random(using: &random)
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: await world.server.closeWatches()
                    case 1: await world.server.expireHistory()
                    case 2...6:
                        let verbs: [ResourceStore.Verb] = [.create, .patch, .patch, .delete, .list]
                        let verb = verbs.randomElement(using: &random)
                        let later = "step-\(step + Int.random(in: 0..<4, using: &random))"
                        let faults: [APIServerFault] = [
                            .loseReply, .dropConnection, .respond(status: 500), .holdReply { $0.spec(later) != nil },
                        ]
                        if let fault = faults.randomElement(using: &random) {
                            await world.server.inject(fault, where: { $0.verb == verb })
                        }
                    default: break
                    }
                    world.wish(Self.service(staying + passing, isInline: isInline), after: world.wishes, of: delivery)
                    try await clock.sleep(for: .milliseconds(Int.random(in: 0..<4000, using: &random)))
                    try await world.create(.sample("step-\(step)"))
                    #expect(gaps.withLock { $0 } == 0, "after step \(step)")
                }
                await world.server.removeFaults()
                for step in 40..<44 { try await world.create(.sample("step-\(step)")) }
                world.wish(Self.service(staying), after: world.wishes, of: delivery)
                try await world.server.wait {
                    $0.isInline == false && $0.visible == staying.addresses && $0.workloads.count == 4
                }
                #expect(gaps.withLock { $0 } == 0)
            }
        }
    }

    @Test("as long as nobody knows whether the service selects them, endpoints that are not wanted any more stay")
    func lateAnswer() async throws {
        try await World.run { world in
            let numbers = [1, 2, 3]
            let clock = HastyClock()
            try await world.withDelivery(usesWorkloads: true, clock: clock, isClientHasty: false) { delivery in
                world.wish(Self.service(numbers, isInline: true), of: delivery)
                try await world.server.wait { $0.visible == numbers.addresses }
                // The server takes its time with the answer to the write by which the service selects them.
                await world.server.inject(
                    .holdReply { $0.spec("answer") != nil }, where: { $0.verb == .patch && $0.name == "a" })
                world.wish(Self.service(numbers), after: world.wishes, of: delivery)
                try await world.server.wait { $0.isInline == false }
                world.wish(Self.service(numbers, isInline: true), after: world.wishes, of: delivery)
                try await clock.sleep(for: .seconds(10))
                #expect(await world.server.store.visible == numbers.addresses)
                try await world.create(.sample("answer"))
                let gaps = Mutex(0)
                try await world.server.wait { store in
                    if store.visible != numbers.addresses { gaps.withLock { $0 += 1 } }
                    return store.isInline == true && store.workloads.isEmpty
                }
                #expect(gaps.withLock { $0 } == 0)
            }
        }
    }

    @Test("what an entry selects stays when the entry can't be known for ours any more")
    func freedEntry() async throws {
        try await World.run { world in
            let clock = HastyClock()
            try await world.withDelivery(usesWorkloads: true, clock: clock, isClientHasty: false) { delivery in
                world.wish(Self.service([1, 2]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2].addresses }
                try await world.patch("a", ["metadata": ["labels": ["isthmus.mesh/instance": .null]]])
                world.wish(Self.service([1, 2], isInline: true), after: world.wishes, of: delivery)
                await world.wishes.waitForRefusal(of: "a")
                try await clock.sleep(for: .seconds(10))
                #expect(await world.server.store.visible == [1, 2].addresses)
            }
        }
    }

    @Test("a deletion of which nobody knows the outcome, and a list after it, keep no move from its end")
    func lostDeletion() async throws {
        try await World.run { world in
            try await world.withDelivery(usesWorkloads: true, clock: HastyClock(), isClientHasty: false) { delivery in
                world.wish(Self.service([1]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1].addresses }
                // Nobody knows what came of it, and nobody looks before the minute is over.
                await world.server.inject(
                    .respond(status: 500, headers: [("Retry-After", "60")]), times: .max, where: { $0.verb == .delete })
                world.wish(Self.service([1], isInline: true), after: world.wishes, of: delivery)
                try await world.server.waitForRequests { $0[.delete, "workloadentries"] >= 1 }
                try await delivery.waitForFailures(1)
                let watches = await world.server.requestCounts[.watch, "workloadentries"]
                await world.server.expireHistory()
                try await world.server.waitForRequests { $0[.watch, "workloadentries"] > watches }
                world.wish(Self.service([1]), after: world.wishes, of: delivery)
                await world.server.removeFaults()
                try await world.server.wait { $0.isInline == false && $0.visible == [1].addresses }
            }
        }
    }

    @Test("one instance that comes, changes or goes is one write, and none of the service")
    func oneWrite() async throws {
        try await World.run { world in
            try await world.withDelivery(usesWorkloads: true, clock: HastyClock(), isClientHasty: false) { delivery in
                world.wish(Self.service([1, 2, 3]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2, 3].addresses }
                let created = await world.server.requestCounts[.create, "workloadentries"]
                world.wish(Self.service([1, 2, 3, 4]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2, 3, 4].addresses }
                var heavier = Self.service([1, 2, 3, 4])
                heavier.endpoints[1].weight = 7
                world.wish(heavier, after: world.wishes, of: delivery)
                try await world.server.wait { store in store.workloads.contains { $0["spec"]?["weight"] == 7 } }
                world.wish(Self.service([1, 2, 4]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2, 4].addresses }
                try await delivery.settle()
                let counts = await world.server.requestCounts
                #expect(counts[.create, "workloadentries"] == created + 1)
                #expect(counts[.delete, "workloadentries"] == 1)
                #expect(counts[.create, "serviceentries"] == 1)
                #expect(counts[.patch, "serviceentries"] == 0)
                // What somebody else does to an endpoint is put right like anything else.
                let name = Self.service([1]).workloadKey(of: Self.service([1]).endpoints[0]).name
                try await world.server.perform(
                    ResourceStore.Request(.delete, .workloadEntry, namespace: World.namespace, name: name))
                try await world.server.wait { $0.visible == [1, 2, 4].addresses }
            }
            // A restart finds all as it should be.
            let writes = await world.server.requestCounts.writes
            try await world.withDelivery(usesWorkloads: true) { delivery in
                try await yield(while: world.wishes.seeded.count < 4)
                try await delivery.settle()
                #expect(await world.server.requestCounts.writes == writes)
            }
        }
    }

    @Test(
        "endpoints are inline where WorkloadEntries are unknown, which is no failure where inline is wanted"
    )
    func withoutCRD() async throws {
        let kinds = [ResourceStore.Kind].standard.filter { $0 != .workloadEntry }
        try await World.run(kinds: kinds) { world in
            try await world.withDelivery(usesWorkloads: true) { delivery in
                world.wish(Self.service([1, 2]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2].addresses && $0.isInline == true }
                #expect(delivery.report(limit: 0).condition?.reason.contains("WorkloadEntry") == true)
                #expect(delivery.report(limit: 0).failureCount == 0)
            }
            try await world.withDelivery { delivery in
                world.wish(Self.service([3], isInline: true), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [3].addresses }
                #expect(delivery.report(limit: 0).condition == nil)
            }
        }
    }

    @Test("what is left of a move is cleared away by a bridge that wants all endpoints inline")
    func leftovers() async throws {
        try await World.run { world in
            try await world.withDelivery(usesWorkloads: true, clock: HastyClock()) { delivery in
                world.wish(Self.service([1, 2]), after: world.wishes, of: delivery)
                try await world.server.wait { $0.visible == [1, 2].addresses }
            }
            try await world.withDelivery(clock: HastyClock()) { delivery in
                world.wish(Self.service([1, 2], isInline: true), after: world.wishes, of: delivery)
                try await world.server.wait { $0.workloads.isEmpty }
                #expect(await world.server.store.visible == [1, 2].addresses)
            }
        }
    }
}

extension World {
    /// As a pipeline does: the service, and each of its endpoints where these are objects of their own.
    fileprivate func wish(_ entry: ServiceEntry, after wishes: Wishes, of delivery: ClusterDelivery) {
        var changes: [ResourceKey: Wanted] = [entry.key: .present(entry)]
        for endpoint in entry.isInline ? [] : entry.endpoints {
            let workload = entry.workload(of: endpoint)
            changes[workload.key] = .present(.workloadEntry(workload))
        }
        if case .serviceEntry(let old)? = wishes[entry.key].resource {
            for key in old.endpoints.map({ old.workloadKey(of: $0) }) where changes[key] == nil {
                changes[key] = .absent
            }
        }
        wishes.change(changes)
        delivery.changed(Array(changes.keys))
    }
}

extension ResourceStore {
    fileprivate var workloads: [JSONValue] { objects(.workloadEntry, namespace: World.namespace) }

    fileprivate var isInline: Bool? { spec("a").map { $0["workloadSelector"] == nil } }

    /// The addresses that istiod gives the service.
    fileprivate var visible: Set<String> {
        guard let spec = spec("a") else { return [] }
        guard let selector = spec["workloadSelector"]?["labels"]?.strings else {
            return Set((spec["endpoints"]?.array ?? []).compactMap { $0["address"]?.string })
        }
        let selected = workloads.filter { workload in
            let labels = workload["spec"]?["labels"]?.strings ?? [:]
            return selector.allSatisfy { labels[$0.key] == $0.value }
        }
        return Set(selected.compactMap { $0["spec"]?["address"]?.string })
    }
}

extension [Int] {
    fileprivate var addresses: Set<String> { Set(map { "10.0.0.\($0)" }) }
}
