import Catalog
import Deliveries
import IsthmusTesting
import IstioAPI
import Pipeline
import Planning
import Sources
import Status
import Testing
import Translation

@testable import Bridge

@Suite("from registries to deliveries")
struct PipelineTests {
    private let cluster = FakeCluster()

    @Test("a provider comes, another joins, all leave: one object, whose endpoints follow")
    func life() async {
        let pipeline = PipelineActor.sample(cluster)
        await cluster.begin(pipeline)
        await pipeline.read([:])
        await pipeline.add("a.Cart", 1)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        await pipeline.add("a.Cart", 2)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        await pipeline.remove("a.Cart", 1)
        await pipeline.remove("a.Cart", 2)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == [])
        #expect(cluster.writes == 3)
    }

    @Test("what changes between two writes is one write, and what doesn't change is none")
    func coalesced() async {
        let pipeline = PipelineActor.sample(cluster)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": [1], "a.Order": [2]])
        for host in UInt8(3)...40 { await pipeline.add("a.Cart", host) }
        await cluster.settle(pipeline)
        await pipeline.read(["a.Cart": [1] + Array(3...40), "a.Order": [2]])
        await cluster.settle(pipeline)
        #expect(cluster.writes == 2)
        #expect(cluster.endpoints("a.cart")?.count == 39)
    }

    @Test("a restart writes nothing, and every choice stays", arguments: SeededGenerator.seeds(4))
    func restart(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let names = ["a.Cart", "a.CART", "a.cart$", "a.cart_", "b.Order", "b.order.", "C", "c", "a.g-x", "a.1"]
        let services = Dictionary(uniqueKeysWithValues: names.map { ($0, [UInt8.random(in: 1...9, using: &random)]) })
        let first = PipelineActor.sample(cluster)
        await cluster.begin(first)
        await first.read([:])
        for (name, hosts) in services.shuffled(using: &random) { await first.add(name, hosts[0]) }
        await cluster.settle(first)
        let writes = cluster.writes
        let content = cluster.content
        #expect(writes == names.count && content.count == names.count)
        let second = PipelineActor.sample(cluster)
        await cluster.begin(second)
        await second.read(services)
        await cluster.settle(second)
        #expect(cluster.writes == writes)
        #expect(cluster.content == content)
    }

    @Test("two clusters get the same, and nothing is decided before both have told what they hold")
    func clusters() async {
        let other = FakeCluster(name: "other")
        let pipeline = PipelineActor.sample(cluster, other)
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.writes == 0)
        await other.begin(pipeline)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(cluster.content == other.content)
    }

    @Test("a service that can't be carried into the mesh harms no other")
    func refused() async {
        let pipeline = PipelineActor.sample(cluster)
        await cluster.begin(pipeline)
        await pipeline.read(["Cart.shop.svc": [1], "a.Order": [2]])
        await cluster.settle(pipeline)
        #expect(cluster.content.keys.sorted() == ["a.order"])
    }
}

@Suite("a failure is never an empty answer")
struct PipelineFailureTests {
    /// What an earlier run left: `a.Cart` on 10.0.0.1 and `a.Order` on 10.0.0.2.
    private let cluster = FakeCluster()

    private func leaveObjects(registries: [String] = ["zk"]) async {
        let pipeline = PipelineActor.sample(cluster, registries: registries)
        await cluster.begin(pipeline)
        for registry in registries { await pipeline.read(["a.Cart": [1], "a.Order": [2]], from: registry) }
        await cluster.settle(pipeline)
        #expect(cluster.writes == 2)
    }

    @Test("a start with the registry down leaves everything as it is; so does a read that is cut off")
    func coldStart() async {
        await leaveObjects()
        let pipeline = PipelineActor.sample(cluster)
        await pipeline.accept(.interrupted(reason: "refused"), from: "zk")
        await cluster.begin(pipeline)
        await pipeline.accept(.begin, from: "zk")
        await pipeline.accept(.services(name: "a.Cart", [:]), from: "zk")
        await pipeline.accept(.interrupted(reason: "lost"), from: "zk")
        await cluster.settle(pipeline)
        #expect(cluster.writes == 2)
        await pipeline.read(["a.Cart": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(cluster.endpoints("a.order") == [])
        #expect(cluster.writes == 3)
    }

    @Test("a registry that got another name in the configuration has to be read before its services change")
    func renamedRegistry() async {
        await leaveObjects()
        let pipeline = PipelineActor.sample(cluster, registries: ["zookeeper"])
        await cluster.begin(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        await pipeline.read(["a.Cart": [1], "a.Order": [2]], from: "zookeeper")
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(cluster.endpoints("a.order") == ["10.0.0.2"])
    }

    @Test("an object that lost its annotation of registries is left until all of them were read")
    func missingAnnotation() async {
        await leaveObjects()
        var objects = cluster.objects
        for key in objects.keys { objects[key]?.annotations[OwnerMark.registries] = nil }
        let damaged = FakeCluster(objects: objects)
        let pipeline = PipelineActor.sample(damaged, registries: ["zk", "nacos"])
        await damaged.begin(pipeline)
        await pipeline.read([:], from: "nacos")
        await damaged.settle(pipeline)
        #expect(damaged.writes == 0)
        await pipeline.read(["a.Cart": [1]], from: "zk")
        await damaged.settle(pipeline)
        #expect(damaged.endpoints("a.cart") == ["10.0.0.1"])
        #expect(damaged.endpoints("a.order") == [])
    }

    @Test("of two registries, the one that can't be read keeps what it announced")
    func secondRegistry() async {
        await leaveObjects(registries: ["zk", "nacos"])
        let pipeline = PipelineActor.sample(cluster, registries: ["zk", "nacos"])
        await cluster.begin(pipeline)
        await pipeline.read([:], from: "zk")
        await pipeline.accept(.interrupted(reason: "refused"), from: "nacos")
        await cluster.settle(pipeline)
        #expect(cluster.writes == 2)
        await pipeline.read(["a.Cart": [1]], from: "nacos")
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(cluster.endpoints("a.order") == [])
    }

    @Test("an object of ours of which nobody knows what it is for goes once everything is known, and not before")
    func leftOver() async {
        await leaveObjects()
        var objects = cluster.objects
        objects[ResourceKey(namespace: "dubbo", name: "a.order")]?.annotations[OwnerMark.service] = nil
        let damaged = FakeCluster(objects: objects)
        let pipeline = PipelineActor.sample(damaged)
        await damaged.begin(pipeline)
        #expect(damaged.objects.count == 2)
        await pipeline.read(["a.Cart": [1]])
        await damaged.settle(pipeline)
        #expect(damaged.content.keys.sorted() == ["a.cart"])
    }

    @Test("who looks once hears no source that loses its connection as it is stopped, and none before it is followed")
    func concluded() async {
        await leaveObjects()
        let pipeline = PipelineActor.sample(cluster)
        let nobodys = ResourceKey(namespace: "dubbo", name: "nobodys")
        await cluster.begin(pipeline)
        #expect(await !pipeline.concludeIfSettled())
        await pipeline.read(["a.Cart": [1]])
        await pipeline.accept(.interrupted(reason: "the connection was lost"), from: "zk")
        #expect(await !pipeline.concludeIfSettled())
        #expect(await pipeline.unreadRegistries.map(\.reason) == ["the connection was lost"])
        await pipeline.read(["a.Cart": [1]])
        #expect(await pipeline.concludeIfSettled())
        await pipeline.accept(.interrupted(reason: "the client was stopped"), from: "zk")
        #expect(await pipeline.wanted(nobodys) == .absent)
    }

    @Test(
        "an object whose host was refused since it was made stays while somebody serves it, which is told, and then goes"
    )
    func refusedLater() async {
        let earlier = PipelineActor.sample(cluster)
        await cluster.begin(earlier)
        await earlier.read(["other.Cart": [1]])
        await cluster.settle(earlier)
        let pipeline = PipelineActor.sample(cluster, policy: .init(namespace: "dubbo", allowedHosts: ["a.*"]))
        await cluster.begin(pipeline)
        await pipeline.read(["other.Cart": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("other.cart") == ["10.0.0.1"])
        #expect(await pipeline.overview(problemLimit: 0).problemCount == 1)
        await pipeline.remove("other.Cart", 1)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("other.cart") == [])
        await pipeline.add("other.Cart", 2)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("other.cart") == [])
    }

    @Test("what an earlier configuration put into another namespace is replaced by what stands in the new one")
    func otherNamespace() async {
        let earlier = PipelineActor.sample(cluster, policy: .init(namespace: "old"))
        await cluster.begin(earlier)
        await earlier.read(["a.Cart": [1]])
        await cluster.settle(earlier)
        #expect(cluster.objects.keys.map(\.namespace) == ["old"])
        let pipeline = PipelineActor.sample(cluster)
        await cluster.begin(pipeline)
        #expect(cluster.objects.keys.map(\.namespace) == ["old"])
        await pipeline.read(["a.Cart": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.objects.keys.map(\.namespace) == ["dubbo"])
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
    }
}
