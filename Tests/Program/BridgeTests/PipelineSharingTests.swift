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
import Sources
import Status
import Testing
import Translation

@testable import Bridge

/// Several clusters, or several replicas, between which choices and knowledge are shared.
@Suite("what clusters and replicas have in common", .timeLimit(.minutes(1)))
struct PipelineSharingTests {
    private let cluster = FakeCluster()
    private let clock = ManualClock()

    private func key(_ name: String) -> ResourceKey { ResourceKey(namespace: "dubbo", name: name) }

    private func address(_ name: String, in cluster: FakeCluster) -> String? {
        cluster.objects[key(name)]?.spec["addresses"]?.array?.first?.string
    }

    private func change(_ name: String, in cluster: FakeCluster, address: String) {
        guard var object = cluster.objects[key(name)] else { return }
        object.spec = object.spec.applying(mergePatch: ["addresses": [.string(address)]])
        cluster.put(object, at: object.key)
    }

    // MARK: A cluster that can't be reached

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
            let status = await pipeline.overview(problemLimit: 0)
            #expect(status.isReady && status.unseeded == ["far"])
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

    // MARK: Another replica's work

    @Test(
        "a replica that takes over while it can't follow the registry leaves alone what it can't know",
        arguments: [false, true], [GuardPolicy(), nil])
    func takeoverBehind(hasRead: Bool, guardPolicy: GuardPolicy?) async {
        let leader = PipelineActor.sample(cluster, clock: clock)
        await cluster.begin(leader)
        await leader.read(["a.Cart": [1, 2], "a.Order": [5]])
        await cluster.settle(leader)
        let standby = PipelineActor.sample(cluster, guardPolicy: guardPolicy, clock: clock)
        await cluster.begin(standby)
        if hasRead { await standby.read(["a.Cart": [1, 2], "a.Order": [5]]) }
        await standby.accept(.interrupted(reason: "the network"), from: "zk")
        await leader.read(["a.Cart": [3, 4], "a.Order": [5], "a.New": [6]])
        await cluster.settle(leader)
        let before = cluster.content

        await standby.adopt(cluster.owned(), from: cluster.name)
        for name in ["a.cart", "a.order", "a.new"] { cluster.changed([key(name)]) }
        await cluster.settle(standby)
        #expect(cluster.content == before)

        await standby.read(["a.Cart": [3, 7], "a.Order": [5], "a.New": [6]])
        await cluster.settle(standby)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.3", "10.0.0.7"])
        #expect(cluster.endpoints("a.new") == ["10.0.0.6"])
    }

    @Test("a replica that takes over while it can't follow one of two registries goes on with the other's")
    func takeoverHalfBehind() async {
        let standby = PipelineActor.sample(cluster, registries: ["zk", "nacos"], clock: clock)
        await cluster.begin(standby)
        await standby.read(["a.Cart": [1]], from: "zk")
        await standby.read(["a.Order": [5]], from: "nacos")
        await cluster.settle(standby)
        await standby.accept(.interrupted(reason: "the network"), from: "nacos")
        await standby.adopt(cluster.owned(), from: cluster.name)
        await standby.add("a.Cart", 2)
        await cluster.settle(standby)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        #expect(cluster.endpoints("a.order") == ["10.0.0.5"])
    }

    @Test("what an operator had the leader let go does not come back with the next leader")
    func releasedElsewhere() async {
        let hosts = Array(UInt8(1)...40)
        let standby = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(standby)
        await standby.read(["a.Cart": hosts, "a.Order": Array(41...80)])
        await cluster.settle(standby)
        await standby.read(["a.Order": Array(41...80)])
        await cluster.settle(standby)
        #expect(cluster.endpoints("a.cart")?.count == 40)
        // The leader's object, after the release.
        guard var object = cluster.objects[key("a.cart")] else { return }
        object.spec = object.spec.applying(mergePatch: ["endpoints": []])
        cluster.put(object, at: object.key)
        await standby.adopt(cluster.owned(), from: cluster.name)
        await cluster.settle(standby)
        #expect(cluster.endpoints("a.cart") == [])
        #expect(await standby.release("zk") == nil)
    }

    @Test(
        "a host that somebody edited becomes nobody's choice, neither at a takeover nor at a start",
        arguments: [true, false])
    func editedHost(isTakeover: Bool) async {
        let earlier = PipelineActor.sample(cluster)
        await cluster.begin(earlier)
        await earlier.read(["a.Cart": [1]])
        await cluster.settle(earlier)
        let before = cluster.content
        guard var object = cluster.objects[key("a.cart")] else { return }
        object.spec = object.spec.applying(mergePatch: ["hosts": ["stolen.example"]])
        cluster.put(object, at: object.key)
        let pipeline = isTakeover ? earlier : PipelineActor.sample(cluster)
        if isTakeover {
            await pipeline.adopt(cluster.owned(), from: cluster.name)
        } else {
            await cluster.begin(pipeline)
            await pipeline.read(["a.Cart": [1]])
        }
        let uid = cluster.objects[key("a.cart")]?.uid
        await cluster.settle(pipeline)
        #expect(cluster.content == before)
        #expect(cluster.objects[key("a.cart")]?.uid == uid)
    }

    @Test("the choices of another cluster's leader are taken over, except where this replica leads somewhere itself")
    func choices() async {
        let other = FakeCluster(name: "other")
        let pipeline = PipelineActor.sample(cluster, other, clock: clock)
        await cluster.begin(pipeline)
        await other.begin(pipeline)
        await pipeline.read(["a.Cart": [1]])
        for cluster in [cluster, other] { await cluster.settle(pipeline) }
        let first = address("a.cart", in: cluster)
        change("a.cart", in: other, address: "240.20.0.1")
        cluster.leads()
        await pipeline.adopt(other.owned(), from: "other")
        await cluster.settle(pipeline)
        #expect(address("a.cart", in: cluster) == first)
        cluster.leads(false)
        await pipeline.adopt(other.owned(), from: "other")
        await cluster.settle(pipeline)
        #expect(address("a.cart", in: cluster) == "240.20.0.1")
    }

    // MARK: Readiness and expiry

    @Test("a replica that was ready stays so when what it knew from before is settled")
    func staysReady() async {
        let earlier = PipelineActor.sample(cluster)
        await cluster.begin(earlier)
        await earlier.read(["a.Cart": [1]])
        await cluster.settle(earlier)
        let pipeline = PipelineActor.sample(cluster, registries: ["zk", "nacos"])
        await cluster.begin(pipeline)
        #expect(await pipeline.overview(problemLimit: 0).isReady)
        await pipeline.read(["a.Cart": [1]])
        #expect(await pipeline.overview(problemLimit: 0).isReady)
    }

    @Test("an empty entry of a service whose list can't be read stays, however long")
    func undecidable() async {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let earlier = PipelineActor.sample(cluster, policy: policy)
        await cluster.begin(earlier)
        await earlier.read(["a.Cart": [1], "a.Order": [2]])
        await earlier.remove("a.Cart", 1)
        await cluster.settle(earlier)
        #expect(cluster.endpoints("a.cart") == [])
        let pipeline = PipelineActor.sample(cluster, policy: policy, clock: clock)
        await pipeline.recall(await earlier.snapshotPage(after: nil, limit: 9))
        await cluster.begin(pipeline)
        for event in [SourceEvent.begin, .unreadable(name: "a.Cart", reason: "no permission"), .complete] {
            await pipeline.accept(event, from: "zk")
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            clock.advance(by: .seconds(1000))
            await clock.someoneSleeps()
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            group.cancelAll()
        }
    }

    @Test("an entry that was served while a registry had yet to be read begins its retention anew")
    func servedWhileUndecided() async {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let earlier = PipelineActor.sample(cluster, registries: ["zk", "nacos"], policy: policy, clock: clock)
        await cluster.begin(earlier)
        for registry in ["zk", "nacos"] { await earlier.read(["a.Cart": [1], "a.Order": [2]], from: registry) }
        for registry in ["zk", "nacos"] { await earlier.remove("a.Cart", 1, in: registry) }
        await cluster.settle(earlier)
        clock.advance(by: .seconds(90))
        let records = await earlier.snapshotPage(after: nil, limit: 9)
        let pipeline = PipelineActor.sample(cluster, registries: ["zk", "nacos"], policy: policy, clock: clock)
        await pipeline.recall(records)
        await cluster.begin(pipeline)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            await pipeline.add("a.Cart", 1)
            await pipeline.remove("a.Cart", 1)
            for registry in ["zk", "nacos"] { await pipeline.read(["a.Order": [2]], from: registry) }
            clock.advance(by: .seconds(50))
            await clock.someoneSleeps()
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            clock.advance(by: .seconds(100))
            await clock.someoneSleeps()
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == nil)
            group.cancelAll()
        }
    }

    @Test("the end of a hold is told of, also where another registry brought it about")
    func endElsewhere() async {
        let log = LogRecorder()
        let pipeline = PipelineActor(
            policy: .init(namespace: "dubbo"), guardPolicy: GuardPolicy(), registries: ["zk", "nacos"],
            deliveries: [cluster], logger: log.logger, clock: clock)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...12)])
        await pipeline.read(["b.Till": [50]], from: "nacos")
        await pipeline.read(["z.Last": [99]])
        #expect(await pipeline.registries.contains { $0.hold != nil })
        for host in UInt8(1)...12 {
            let instance = Instance(
                host: .address(.v4(0x0A00_0000 | UInt32(host))), port: 20880, protocol: .dubbo, application: "other")
            await pipeline.accept(.added(ServiceID(name: "b.Till"), InstanceKey("b-\(host)"), instance), from: "nacos")
        }
        #expect(await !pipeline.registries.contains { $0.hold != nil })
        #expect(log.messages.contains { $0.contains("registry losses no longer held") })
    }

    // MARK: Cost

    @Test("much that happens to one service between two questions is translated once, and everyone is told")
    func translatedOnce() async {
        let pipeline = PipelineActor.sample(cluster)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": [1]])
        await cluster.settle(pipeline)
        for host in UInt8(2)...200 { await pipeline.add("a.Cart", host) }
        #expect(await pipeline.everyKey() == [key("a.cart")])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 200)
        #expect(cluster.writes == 2)
    }
}
