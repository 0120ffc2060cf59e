import Addressing
import Bridge
import Dubbo
import IsthmusTesting
import Pipeline
import Services
import Snapshot
import Sources
import Testing
import Translation

@Suite("entries that everyone left", .timeLimit(.minutes(1)))
struct PipelineExpiryTests {
    private let cluster = FakeCluster()
    private let clock = ManualClock()

    /// A pipeline whose expiry runs while the body does. The retention is 100 s.
    private func withPipeline(
        block: String = "240.16.0.0/12", _ body: @Sendable (PipelineActor) async throws -> Void
    ) async throws {
        let policy = TranslationPolicy(
            namespace: "dubbo", addresses: .block(try #require(CIDRBlock(block))), emptyRetention: .seconds(100))
        let pipeline = PipelineActor.sample(cluster, policy: policy, clock: clock)
        await cluster.begin(pipeline)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            try await body(pipeline)
            group.cancelAll()
        }
    }

    private func advance(by seconds: Int, _ pipeline: PipelineActor) async {
        clock.advance(by: .seconds(seconds))
        await clock.someoneSleeps()
        await cluster.settle(pipeline)
    }

    @Test("an entry goes when it has been empty for the retention, and not before")
    func retention() async throws {
        try await withPipeline { pipeline in
            await pipeline.read(["a.Cart": [1], "a.Order": [2]])
            await advance(by: 10, pipeline)
            await pipeline.remove("a.Cart", 1)
            await advance(by: 90, pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await advance(by: 9, pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await advance(by: 1, pipeline)
            #expect(cluster.endpoints("a.cart") == nil)
            #expect(cluster.endpoints("a.order") == ["10.0.0.2"])
        }
    }

    @Test(
        "what was empty before a restart goes within a minute of its time, though nothing is known when it is recalled")
    func recalled() async throws {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let object = SnapshotRecord.Object(name: "a.cart", emptyFor: .seconds(70))
        let pipeline = PipelineActor.sample(cluster, policy: policy, clock: clock)
        await pipeline.recall([.init(id: ServiceID(name: "a.Cart"), objects: [.dubbo: object], registries: ["zk"])])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            await cluster.begin(pipeline)
            await pipeline.read(["a.Order": [2]])
            await advance(by: 1, pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await advance(by: 59, pipeline)
            #expect(cluster.endpoints("a.cart") == nil)
            group.cancelAll()
        }
    }

    @Test("nothing goes while a registry can't be followed; it may have got the service back")
    func stale() async throws {
        try await withPipeline { pipeline in
            await pipeline.read(["a.Cart": [1], "a.Order": [2]])
            await pipeline.remove("a.Cart", 1)
            await pipeline.remove("a.Order", 2)
            await pipeline.accept(.interrupted(reason: "lost"), from: "zk")
            await advance(by: 500, pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await pipeline.read(["a.Cart": [3]])
            await advance(by: 1, pipeline)
            #expect(cluster.endpoints("a.cart") == ["10.0.0.3"])
            #expect(cluster.endpoints("a.order") == nil)
        }
    }

    @Test("an entry that somebody served for a moment, before it was looked at, begins its retention anew")
    func servedForAMoment() async throws {
        try await withPipeline { pipeline in
            await pipeline.read(["a.Cart": [1], "a.Order": [2]])
            await pipeline.remove("a.Cart", 1)
            await cluster.settle(pipeline)
            clock.advance(by: .seconds(90))
            await pipeline.add("a.Cart", 1)
            await pipeline.remove("a.Cart", 1)
            await advance(by: 99, pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await advance(by: 1, pipeline)
            #expect(cluster.endpoints("a.cart") == nil)
        }
    }

    @Test("an address that becomes free goes to the service that lacked one")
    func freedAddress() async throws {
        try await withPipeline(block: "10.96.0.0/30") { pipeline in
            await pipeline.read(["a.A": [1], "a.B": [2], "a.C": [3]])
            await cluster.settle(pipeline)
            #expect(cluster.content.keys.sorted() == ["a.a", "a.b"])
            await pipeline.remove("a.A", 1)
            await advance(by: 100, pipeline)
            #expect(cluster.content.keys.sorted() == ["a.b", "a.c"])
        }
    }
}
