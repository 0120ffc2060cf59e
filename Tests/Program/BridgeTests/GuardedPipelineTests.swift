import Bridge
import Catalog
import Deliveries
import Dubbo
import IsthmusTesting
import IstioAPI
import Pipeline
import Services
import Snapshot
import Sources
import Status
import Testing

/// The guard at work between a registry and a cluster. The registry is read again when the pipeline asks for it.
@Suite("losses under the guard, as the cluster sees them", .timeLimit(.minutes(1)))
struct GuardedPipelineTests {
    private let cluster = FakeCluster()
    private let clock = ManualClock()

    private func pipeline() async -> PipelineActor {
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(pipeline)
        return pipeline
    }

    /// What the pipeline asks to be read.
    private func nextRequest(_ pipeline: PipelineActor) async -> ReadRequests.Request? {
        guard let requests = pipeline.readRequests["zk"] else { return nil }
        return await requests.makeAsyncIterator().next()
    }

    @Test("a service loses its last endpoint when a second read, that was asked for, finds none")
    func secondRead() async {
        let pipeline = await pipeline()
        await pipeline.read(["a.Cart": [1], "a.Order": [2]])
        await pipeline.remove("a.Cart", 1)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(await nextRequest(pipeline) == .names(["a.Cart"]))
        await pipeline.accept(.services(name: "a.Cart", [:]), from: "zk")
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == [])
    }

    @Test("a held loss costs no write, is read again and again, and is believed after five minutes")
    func timer() async {
        let pipeline = await pipeline()
        await pipeline.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        await cluster.settle(pipeline)
        let writes = cluster.writes
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.watchHolds(of: "zk") }
            await pipeline.read(["a.Cart": [], "a.Order": Array(41...100)])
            #expect(await nextRequest(pipeline) == .everything)
            for _ in 0..<10 {
                await pipeline.read(["a.Cart": [], "a.Order": Array(41...100)])
                await cluster.settle(pipeline)
                #expect(cluster.writes == writes)
                await clock.someoneSleeps()
                clock.advance(by: .seconds(30))
                #expect(await nextRequest(pipeline) == .everything)
            }
            await pipeline.read(["a.Cart": [], "a.Order": Array(41...100)])
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            group.cancelAll()
        }
    }

    @Test("a registry whose losses are held is left alone for ten times as long as its last read took")
    func slowReads() async {
        let pipeline = await pipeline()
        await pipeline.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.watchHolds(of: "zk") }
            await pipeline.read(["a.Order": Array(41...100)]) { [clock] in clock.advance(by: .seconds(60)) }
            #expect(await nextRequest(pipeline) == .everything)
            #expect(await clock.nextDeadline() == .seconds(600))
            clock.advance(by: .seconds(600))
            #expect(await nextRequest(pipeline) == .everything)
            group.cancelAll()
        }
    }

    @Test("an operator releases what is held")
    func released() async {
        let pipeline = await pipeline()
        await pipeline.read(["a.Cart": Array(1...60), "a.Order": Array(61...100)])
        await pipeline.read(["a.Order": Array(61...100)])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 60)
        #expect(await pipeline.release("zk")?.held == 60)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == [])
        #expect(await pipeline.release("zk") == nil)
    }

    /// What a snapshot says of an interface that these hosts of 10.0.0.0/24 served.
    private static func remembered(_ name: String, _ hosts: ClosedRange<UInt8>) -> SnapshotRecord {
        SnapshotRecord(
            id: ServiceID(name: name), registries: ["zk"], instances: hosts.map { .sample($0) }
        )
    }

    @Test("a snapshot that is older than the cluster's objects brings nothing back that has left since")
    func oldSnapshot() async {
        let before = await pipeline()
        await before.read(["a.Cart": Array(21...60)])
        await cluster.settle(before)
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await pipeline.recall([Self.remembered("a.Cart", 1...40)])
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(21...60)])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 40)
        #expect(await pipeline.release("zk") == nil)
    }

    @Test("a service that only an old snapshot knows is not brought back where the cluster has others")
    func removedSinceSnapshot() async {
        let before = await pipeline()
        await before.read(["a.Order": Array(61...100)])
        await cluster.settle(before)
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await pipeline.recall([Self.remembered("a.Cart", 1...60), Self.remembered("a.Order", 61...100)])
        await cluster.begin(pipeline)
        #expect(await pipeline.wanted(ResourceKey(namespace: "dubbo", name: "a.cart")) == .undecided)
        await pipeline.read(["a.Order": Array(61...100)])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == nil)
        #expect(await pipeline.release("zk") == nil)
    }

    @Test("objects that a snapshot knows by other names than the cluster keep the cluster's")
    func renamedSinceSnapshot() async throws {
        let id = ServiceID(name: "a.Cart")
        let old = SnapshotRecord(
            id: id, objects: [.tri: .init(name: "a.cart"), .dubbo: .init(name: "a.cart.p-dubbo")],
            registries: ["zk"])
        let before = await pipeline()
        await before.read(["a.Cart": [1]])
        await cluster.settle(before)
        let object = try #require(cluster.objects[ResourceKey(namespace: "dubbo", name: "a.cart")])
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await pipeline.recall([old])
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.owned() == [object])
    }

    @Test("where the cluster has nothing any more, what a snapshot knows is held against a registry that lost too much")
    func snapshotAlone() async {
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await pipeline.recall([Self.remembered("a.Cart", 1...60), Self.remembered("a.Order", 61...100)])
        await cluster.begin(pipeline)
        await pipeline.read(["a.Order": Array(61...100)])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 60)
    }

    @Test("what left while the bridge was away is counted once, though snapshot and cluster both knew it")
    func countedOnce() async {
        let before = await pipeline()
        await before.read(["a.Cart": Array(1...60)])
        await cluster.settle(before)
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await pipeline.recall([Self.remembered("a.Cart", 1...60)])
        // The registry is faster than the cluster.
        await pipeline.read(["a.Cart": Array(1...52)])
        await cluster.begin(pipeline)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 52)
        #expect(await pipeline.release("zk") == nil)
    }

    @Test("after a restart, what the cluster has is held against a registry that lost too much")
    func restart() async {
        let before = await pipeline()
        await before.read(["a.Cart": Array(1...60), "a.Order": Array(61...100)])
        await cluster.settle(before)
        let writes = cluster.writes
        let after = await pipeline()
        await after.read(["a.Order": Array(61...100)])
        await cluster.settle(after)
        #expect(cluster.writes == writes)
        #expect(cluster.endpoints("a.cart")?.count == 60)
        await after.add("a.Cart", 1)
        await cluster.settle(after)
        #expect(cluster.writes == writes)
    }
}
