import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import Kubernetes
import Logging
import Planning
import Sandbox
import Testing

@testable import KubernetesDelivery

@Suite("the lease of a cluster and the writes under way", .timeLimit(.minutes(1)))
struct ElectedDeliveryTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A replica that is elected and has a write under way, whose answer comes when there is an object `answer`.
    private func run(
        clock: ManualClock = ManualClock(),
        _ body: @Sendable (World, KubernetesClient, LeaderElection, Task<Void, Never>) async throws -> Void
    ) async throws {
        try await World.run { world in
            let configuration = ClusterConfiguration(server: try await world.server.address.url)
            let client = try KubernetesClient(configuration, userAgent: "test", logger: Self.silent)
            let leaseClient = try KubernetesClient(configuration, userAgent: "test", logger: Self.silent)
            let election = try LeaderElection(
                client: leaseClient,
                configuration: .init(name: "isthmus", namespace: World.namespace), logger: Self.silent)
            let cluster = ClusterDelivery(
                name: "test", client: client, namespace: World.namespace, ownership: World.ownership,
                leadership: election, resyncInterval: nil, logger: Self.silent, clock: clock)
            let delivery = ElectedDelivery(cluster, election: election)
            await world.server.inject(
                .holdReply { $0.spec("answer") != nil },
                where: { $0.verb == .create && $0.resource == "serviceentries" })
            let running = Task { await delivery.run(desired: world.wishes) }
            world.wish(.sample("a", 1), of: cluster)
            try await world.server.wait { $0.spec("a") != nil }
            try await body(world, client, election, running)
            await running.value
            await client.shutdown()
            await leaseClient.shutdown()
        }
    }

    private func version(_ store: ResourceStore, _ kind: ResourceStore.Kind, _ name: String) -> Int? {
        store.object(kind, namespace: World.namespace, name: name)?["metadata"]?["resourceVersion"]?.string
            .flatMap { Int($0) }
    }

    @Test("at a stop the lease is released when the writes under way have their answers")
    func stop() async throws {
        try await run { world, client, election, running in
            running.cancel()
            try await yield(while: election.isLeading)
            // A release that doesn't wait is faster than this.
            for _ in 0..<10 { _ = try await client.servedVersions(group: ResourceKind.group) }
            try await world.create(.sample("answer", 1))
            await running.value
            let store = await world.server.store
            let released = try #require(version(store, .lease, "isthmus"))
            #expect(try released > #require(version(store, .serviceEntry, "answer")))
            #expect(election.holder == nil)
            #expect(world.wishes.receipts.map(\.outcome) == [.created(.full([.appears]))])
        }
    }

    @Test("a stop doesn't wait for ever for a write that has no answer")
    func stopWithoutAnswer() async throws {
        let clock = ManualClock()
        try await run(clock: clock) { _, _, election, running in
            running.cancel()
            await clock.someoneSleeps()
            #expect(await clock.nextDeadline() == .seconds(5))
            clock.advance(by: .seconds(5))
            await running.value
            #expect(election.holder == nil)
        }
    }

    @Test("the end of leadership is over when the writes under way have their answers, and no write begins meanwhile")
    func loss() async throws {
        try await World.run { world in
            let lead = Lead(true)
            await world.server.inject(.holdReply { $0.spec("answer") != nil }, where: { $0.verb == .create })
            try await world.withDelivery(leadership: lead) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.server.wait { $0.spec("a") != nil }
                lead.isLeading = false
                let ended = Observed(false)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await delivery.endLeading()
                        ended.change { $0 = true }
                    }
                    world.wish(.sample("b", 1), of: delivery)
                    try await yield(while: delivery.report(limit: 0).pending > 1)
                    #expect(!ended.value)
                    try await world.create(.sample("answer", 1))
                    await ended.wait { $0 }
                }
                try await delivery.settle()
                #expect(world.wishes.receipts.map(\.outcome) == [.created(.full([.appears]))])
                #expect(await world.server.requestCounts.writes == 1)
            }
        }
    }
}
