import Addressing
import Catalog
import Deliveries
import Dubbo
import IsthmusTesting
import IstioAPI
import JSON
import Pipeline
import Planning
import Services
import Snapshot
import Sources
import Status
import Testing
import Translation

@testable import Bridge

/// The owner of the state machine: it wakes the machine in time, and performs its effects. The decisions are tested in
/// `PipelineTests`.
@Suite("the pipeline's timers and effects", .timeLimit(.minutes(1)))
struct PipelineActorTests {
    private let cluster = FakeCluster()
    private let clock = ManualClock()

    private func key(_ name: String) -> ResourceKey { ResourceKey(namespace: "dubbo", name: name) }

    private func address(_ name: String, in cluster: FakeCluster) -> String? {
        cluster.objects[key(name)]?.spec["addresses"]?.array?.first?.string
    }

    // MARK: Deliveries

    @Test("a cluster that can't be reached holds up the others for a minute, and joins in when it is back")
    func unreachable() async {
        let far = FakeCluster(name: "far")
        let earlier = PipelineActor.sample(far)
        await far.begin(earlier)
        await earlier.read(["a.Cart": [1], "a.Gone": [9]])
        await far.settle(earlier)
        let pipeline = PipelineActor.sample(cluster, far, clock: clock)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.waitForDeliveries() }
            await clock.someoneSleeps()
            await cluster.begin(pipeline)
            await pipeline.read(["a.Cart": [2], "a.Order": [3]])
            clock.advance(by: .seconds(59))
            await cluster.settle(pipeline)
            #expect(cluster.writes == 0)
            #expect(await !pipeline.overview(problemLimit: 0).isReady)
            clock.advance(by: .seconds(1))
            await group.waitForAll()
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == ["10.0.0.2"])
            let overview = await pipeline.overview(problemLimit: 0)
            #expect(overview.isReady && overview.unseeded == ["far"])
        }
        await far.begin(pipeline)
        await far.settle(pipeline)
        #expect(far.endpoints("a.cart") == ["10.0.0.2"])
        // Only this cluster knew of it.
        #expect(far.endpoints("a.gone") == [])
        #expect(far.endpoints("a.order") == ["10.0.0.3"])
        #expect(address("a.order", in: far) == address("a.order", in: cluster))
        #expect(await pipeline.overview(problemLimit: 0).unseeded.isEmpty)
    }

    @Test("as long as no cluster has told what it holds, nothing is decided")
    func nobody() async {
        let pipeline = PipelineActor.sample(cluster, clock: clock)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.waitForDeliveries() }
            await clock.someoneSleeps()
            await pipeline.read(["a.Cart": [1]])
            clock.advance(by: .seconds(600))
            await clock.someoneSleeps()
            #expect(await pipeline.wanted(key("a.cart")) == .undecided)
            await cluster.begin(pipeline)
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
            group.cancelAll()
        }
    }

    @Test("the choices of another cluster's leader are taken over, except where this replica leads somewhere itself")
    func choices() async throws {
        let other = FakeCluster(name: "other")
        let pipeline = PipelineActor.sample(cluster, other, clock: clock)
        await cluster.begin(pipeline)
        await other.begin(pipeline)
        await pipeline.read(["a.Cart": [1]])
        for cluster in [cluster, other] { await cluster.settle(pipeline) }
        let first = address("a.cart", in: cluster)
        var object = try #require(other.objects[key("a.cart")])
        object.spec = object.spec.applying(mergePatch: ["addresses": ["240.20.0.1"]])
        other.put(object, at: object.key)
        cluster.leads()
        await pipeline.adopt(other.owned(), from: "other")
        await cluster.settle(pipeline)
        #expect(address("a.cart", in: cluster) == first)
        cluster.leads(false)
        await pipeline.adopt(other.owned(), from: "other")
        await cluster.settle(pipeline)
        #expect(address("a.cart", in: cluster) == "240.20.0.1")
    }

    // MARK: Expiry

    private func advance(by seconds: Int, _ pipeline: PipelineActor) async {
        clock.advance(by: .seconds(seconds))
        await clock.someoneSleeps()
        await cluster.settle(pipeline)
    }

    @Test("an entry goes when it has been empty for the retention, and not before")
    func retention() async {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let pipeline = PipelineActor.sample(cluster, policy: policy, clock: clock)
        await cluster.begin(pipeline)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
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
            group.cancelAll()
        }
    }

    @Test(
        "what was empty before a restart goes within a minute of its time, though nothing is known when it is recalled")
    func recalled() async {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let assignment = SnapshotRecord.Assignment(objectName: "a.cart", emptyFor: .seconds(70))
        let pipeline = PipelineActor.sample(cluster, policy: policy, clock: clock)
        await pipeline.recall([
            .init(id: ServiceID(name: "a.Cart", protocol: .dubbo), assignment: assignment, registries: ["zk"])
        ])
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

    // MARK: Holds

    /// The next request to the registry's source.
    private func nextRequest(_ pipeline: PipelineActor) async -> ReadRequests.Request? {
        await pipeline.readRequests["zk"]?.makeAsyncIterator().next()
    }

    @Test("a held loss costs no write, is read again and again, and is believed after five minutes")
    func rereads() async {
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        await cluster.settle(pipeline)
        let writes = cluster.writes
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.keepTime() }
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
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.keepTime() }
            await pipeline.read(["a.Order": Array(41...100)]) { [clock] in clock.advance(by: .seconds(60)) }
            #expect(await nextRequest(pipeline) == .everything)
            #expect(await clock.nextDeadline() == .seconds(600))
            clock.advance(by: .seconds(600))
            #expect(await nextRequest(pipeline) == .everything)
            group.cancelAll()
        }
    }

    @Test("a hold is logged when it begins, and when it ends, also where another registry brought that about")
    func log() async {
        let log = LogRecorder()
        let pipeline = PipelineActor(
            policy: .init(namespace: "dubbo"), guardPolicy: GuardPolicy(), registries: ["zk", "nacos"],
            deliveries: [cluster], logger: log.logger, clock: clock)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...12)])
        await pipeline.read(["b.Till": [50]], from: "nacos")
        await pipeline.read(["z.Last": [99]])
        #expect(await pipeline.registries.contains { $0.hold != nil })
        #expect(log.messages.contains { $0.contains("registry losses held") })
        for host in UInt8(1)...12 {
            let instance = Instance(
                host: .address(.v4(0x0A00_0000 | UInt32(host))), port: 20880, application: "other")
            await pipeline.accept(
                .added(ServiceID(name: "b.Till", protocol: .dubbo), InstanceKey("b-\(host)"), instance), from: "nacos")
        }
        #expect(await !pipeline.registries.contains { $0.hold != nil })
        #expect(log.messages.contains { $0.contains("registry losses no longer held") })
    }
}
