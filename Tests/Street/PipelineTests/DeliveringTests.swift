import Deliveries
import IsthmusTesting
import IstioAPI
import Planning
import Services
import Sources
import Testing
import Translation

@testable import Pipeline

@Suite("from registries to deliveries")
struct DeliveringTests {
    @Test("a provider comes, another joins, all leave: one object, whose endpoints follow")
    func life() {
        var scene = Scene()
        scene.begin()
        scene.read([:])
        scene.add("a.Cart", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        scene.add("a.Cart", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        scene.remove("a.Cart", 1)
        scene.remove("a.Cart", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
        #expect(scene.cluster.writes == 3)
    }

    @Test("what changes between two writes is one write, and what doesn't change is none")
    func coalesced() {
        var scene = Scene()
        scene.begin()
        scene.read(["a.Cart": [1], "a.Order": [2]])
        for host in UInt8(3)...40 { scene.add("a.Cart", host) }
        scene.settle()
        scene.read(["a.Cart": [1] + Array(3...40), "a.Order": [2]])
        scene.settle()
        #expect(scene.cluster.writes == 2)
        #expect(scene.cluster.endpoints("a.cart")?.count == 39)
    }

    @Test("a restart writes nothing, and every choice stays", arguments: SeededGenerator.seeds(4))
    func restart(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let names = ["a.Cart", "a.CART", "a.cart$", "a.cart_", "b.Order", "b.order.", "C", "c", "a.g-x", "a.1"]
        let services = Dictionary(uniqueKeysWithValues: names.map { ($0, [UInt8.random(in: 1...9, using: &random)]) })
        var first = Scene()
        first.begin()
        first.read([:])
        for (name, hosts) in services.shuffled(using: &random) { first.add(name, hosts[0]) }
        first.settle()
        // Two pairs differ in case only.
        #expect(first.cluster.writes == names.count - 2 && first.cluster.content.count == names.count - 2)
        var second = Scene(first.cluster)
        second.begin()
        second.read(services)
        second.settle()
        #expect(second.cluster.writes == first.cluster.writes)
        #expect(second.cluster.content == first.cluster.content)
    }

    @Test("two clusters get the same, and nothing is decided before both have told what they hold")
    func clusters() {
        var scene = Scene(Cluster(), Cluster("other"))
        scene.begin(0)
        scene.read(["a.Cart": [1]])
        scene.settle(0)
        #expect(scene.cluster.writes == 0)
        scene.begin(1)
        scene.settle(0)
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.clusters[0].content == scene.clusters[1].content)
    }

    @Test("a service that can't be carried into the mesh harms no other")
    func refused() {
        var scene = Scene(policy: .init(namespace: "dubbo", allowedHosts: ["a.*"]))
        scene.begin()
        scene.read(["b.Cart": [1], "a.Order": [2]])
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.order"])
    }

    @Test("that a service is not delivered is reported once, however often it changes")
    func reported() {
        var scene = Scene(policy: .init(namespace: "dubbo", allowedHosts: ["a.*"]))
        scene.begin()
        scene.read(["b.Cart": [1]])
        scene.add("b.Cart", 2)
        scene.settle()
        #expect(scene.reports.map(\.name) == ["not delivered"])
        #expect(
            scene.machine.overview(problemLimit: 9).problems.map(\.service) == [
                ServiceID(name: "b.Cart", protocol: "dubbo")
            ])
        #expect(scene.machine.overview(problemLimit: 0).problemCount == 1)
    }

    @Test("much that happens to one service between two questions is translated once, and everyone is told")
    func translatedOnce() {
        var scene = Scene()
        scene.begin()
        scene.read(["a.Cart": [1]])
        scene.settle()
        let key = ResourceKey(namespace: "dubbo", name: "a.cart")
        let before = scene.machine.table[key]
        for host in UInt8(2)...200 { scene.add("a.Cart", host) }
        #expect(scene.machine.table[key] == before)
        #expect(scene.machine.everyKey == [key])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart")?.count == 200)
        #expect(scene.machine.outdated.isEmpty)
        #expect(scene.cluster.writes == 2)
    }

    @Test("an event that changes nothing has no effects")
    func nothing() {
        var scene = Scene()
        scene.begin()
        scene.read(["a.Cart": [1]])
        scene.settle()
        for event: SourceEvent in [
            .added(ServiceID(name: "a.Cart", protocol: "dubbo"), InstanceKey("a.Cart-1"), .sample(1)),
            .removed(ServiceID(name: "a.Cart", protocol: "dubbo"), InstanceKey("another")), .begin,
        ] {
            let effects = scene.machine.accept(event, from: "zk", now: .zero)
            #expect(effects.changed.isEmpty && effects.reads.isEmpty && effects.reports.isEmpty)
            #expect(!effects.changesSnapshot && effects.followsAny == nil)
        }
    }
}

@Suite("a failure is never an empty answer")
struct FailureTests {
    /// What an earlier run left: `a.Cart` on 10.0.0.1 and `a.Order` on 10.0.0.2.
    private static func leftCluster(registries: [String] = ["zk"]) -> Cluster {
        var scene = Scene(registries: registries)
        scene.begin()
        for registry in registries { scene.read(["a.Cart": [1], "a.Order": [2]], from: registry) }
        scene.settle()
        #expect(scene.cluster.writes == 2)
        return scene.cluster
    }

    @Test("a start with the registry down leaves everything as it is; so does a read that is cut off")
    func coldStart() {
        var scene = Scene(Self.leftCluster())
        scene.accept(.interrupted(reason: "refused"))
        scene.begin()
        scene.accept(.begin)
        scene.accept(.services(name: "a.Cart", [:]))
        scene.accept(.interrupted(reason: "lost"))
        scene.settle()
        #expect(scene.cluster.writes == 2)
        scene.read(["a.Cart": [1]])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == [])
        #expect(scene.cluster.writes == 3)
    }

    @Test("a registry that got another name in the configuration has to be read before its services change")
    func renamedRegistry() {
        var scene = Scene(Self.leftCluster(), registries: ["zookeeper"])
        scene.begin()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        scene.read(["a.Cart": [1], "a.Order": [2]], from: "zookeeper")
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == ["10.0.0.2"])
    }

    @Test("an object that lost its annotation of registries keeps its endpoints until all of them were read")
    func missingAnnotation() {
        var scene = Scene(Self.leftCluster(), registries: ["zk", "nacos"])
        for key in scene.cluster.objects.keys {
            scene.cluster.objects[key]?.annotations[OwnerMark.registries] = nil
        }
        scene.begin()
        scene.read([:], from: "nacos")
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == ["10.0.0.2"])
        // Only the other one may have announced them.
        #expect(scene.cluster.objects.values.allSatisfy { $0.annotations[OwnerMark.registries] == "zk" })
        scene.read(["a.Cart": [1]], from: "zk")
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == [])
    }

    @Test("of two registries, the one that can't be read keeps what it announced")
    func secondRegistry() {
        var scene = Scene(Self.leftCluster(registries: ["zk", "nacos"]), registries: ["zk", "nacos"])
        scene.begin()
        scene.read([:], from: "zk")
        scene.accept(.interrupted(reason: "refused"), from: "nacos")
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == ["10.0.0.2"])
        // The next start knows that only one of them announces the services.
        #expect(scene.cluster.objects.values.allSatisfy { $0.annotations[OwnerMark.registries] == "nacos" })
        scene.read(["a.Cart": [1]], from: "nacos")
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.endpoints("a.order") == [])
    }

    @Test("an object of ours of which nobody knows what it is for goes once everything is known, and not before")
    func leftOver() {
        var scene = Scene(Self.leftCluster())
        scene.cluster.objects[ResourceKey(namespace: "dubbo", name: "a.order")]?.annotations[OwnerMark.service] = nil
        scene.begin()
        #expect(scene.cluster.objects.count == 2)
        scene.read(["a.Cart": [1]])
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.cart"])
    }

    @Test(
        "a one-shot reconcile hears no source that is being stopped, and none before it is followed"
    )
    func concluded() {
        var scene = Scene(Self.leftCluster())
        scene.begin()
        #expect(scene.machine.concludeIfSettled() == false)
        scene.read(["a.Cart": [1]])
        scene.accept(.interrupted(reason: "the connection was lost"))
        #expect(scene.machine.concludeIfSettled() == false)
        #expect(scene.machine.unreadRegistries.map(\.reason) == ["the connection was lost"])
        scene.read(["a.Cart": [1]])
        #expect(scene.machine.concludeIfSettled() == true)
        scene.accept(.interrupted(reason: "the client was stopped"))
        #expect(scene.wanted("nobodys") == .absent)
    }

    @Test(
        "an object whose host is refused by now stays while somebody serves it, with the reason, and then goes"
    )
    func refusedLater() {
        var earlier = Scene()
        earlier.begin()
        earlier.read(["other.Cart": [1]])
        earlier.settle()
        var scene = Scene(earlier.cluster, policy: .init(namespace: "dubbo", allowedHosts: ["a.*"]))
        scene.begin()
        scene.read(["other.Cart": [1]])
        scene.settle()
        #expect(scene.cluster.endpoints("other.cart") == ["10.0.0.1"])
        #expect(scene.machine.overview(problemLimit: 0).problemCount == 1)
        scene.remove("other.Cart", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("other.cart") == [])
        scene.add("other.Cart", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("other.cart") == [])
    }

    @Test("what an earlier configuration put into another namespace is replaced by what stands in the new one")
    func otherNamespace() {
        var earlier = Scene(policy: .init(namespace: "old"))
        earlier.begin()
        earlier.read(["a.Cart": [1]])
        earlier.settle()
        #expect(earlier.cluster.objects.keys.map(\.namespace) == ["old"])
        var scene = Scene(earlier.cluster)
        scene.begin()
        #expect(scene.cluster.objects.keys.map(\.namespace) == ["old"])
        scene.read(["a.Cart": [1]])
        scene.settle()
        #expect(scene.cluster.objects.keys.map(\.namespace) == ["dubbo"])
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
    }

    @Test("the machine tells when some registry is followed, and when none is any more")
    func following() {
        var scene = Scene(registries: ["zk", "nacos"])
        func readAll(_ registry: String) { scene.read([:], from: registry) }
        // As long as it is not known what is there, nothing can be written.
        readAll("zk")
        readAll("nacos")
        scene.accept(.interrupted(reason: "cut"), from: "zk")
        readAll("zk")
        scene.begin()
        scene.accept(.interrupted(reason: "cut"), from: "zk")
        readAll("nacos")
        readAll("zk")
        scene.accept(.interrupted(reason: "cut"), from: "nacos")
        scene.accept(.interrupted(reason: "cut"), from: "zk")
        readAll("nacos")
        #expect(scene.follows == [true, false, true])
    }
}
