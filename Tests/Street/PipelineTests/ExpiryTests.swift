import Addressing
import Dubbo
import IstioAPI
import Planning
import Services
import Snapshot
import Sources
import Testing
import Translation

@Suite("entries that everyone left")
struct ExpiryTests {
    /// The retention is 100 s.
    private static let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))

    private static func scene(_ cluster: Cluster = Cluster(), registries: [String] = ["zk"]) -> Scene {
        Scene(cluster, registries: registries, policy: policy)
    }

    @Test("an entry goes when it has been empty for the retention, and not before")
    func retention() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": [1], "a.Order": [2]])
        scene.passAndSettle(.seconds(10))
        scene.remove("a.Cart", 1)
        scene.passAndSettle(.seconds(90))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.passAndSettle(.seconds(9))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.passAndSettle(.seconds(1))
        #expect(scene.cluster.endpoints("a.cart") == nil)
        #expect(scene.cluster.endpoints("a.order") == ["10.0.0.2"])
    }

    @Test(
        "what was empty before a restart goes within a minute of its time, though nothing is known when it is recalled")
    func recalled() {
        let assignment = SnapshotRecord.Assignment(objectName: "a.cart", emptyFor: .seconds(70))
        var scene = Self.scene()
        scene.recall([
            .init(id: ServiceID(name: "a.Cart", protocol: .dubbo), assignment: assignment, registries: ["zk"])
        ])
        scene.pass(.zero)
        scene.begin()
        scene.read(["a.Order": [2]])
        scene.passAndSettle(.seconds(1))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.passAndSettle(.seconds(59))
        #expect(scene.cluster.endpoints("a.cart") == nil)
    }

    @Test("while one of two registries is down, empty entries of the other go, and its own stay")
    func otherRegistryDown() {
        var scene = Self.scene(registries: ["zk", "nacos"])
        scene.begin()
        scene.read(["a.Cart": [1]], from: "zk")
        scene.read(["a.Order": [2]], from: "nacos")
        scene.settle()
        scene.read(["a.Order": []], from: "nacos")
        scene.accept(.interrupted(reason: "down"), from: "nacos")
        scene.remove("a.Cart", 1, in: "zk")
        scene.passAndSettle(.seconds(500))
        #expect(scene.cluster.endpoints("a.cart") == nil)
        #expect(scene.cluster.endpoints("a.order") == [])
        scene.read([:], from: "nacos")
        scene.passAndSettle(.seconds(500))
        #expect(scene.cluster.endpoints("a.order") == nil)
    }

    @Test("nothing goes while a registry can't be followed; it may have got the service back")
    func stale() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": [1], "a.Order": [2]])
        scene.remove("a.Cart", 1)
        scene.remove("a.Order", 2)
        scene.accept(.interrupted(reason: "lost"))
        scene.passAndSettle(.seconds(500))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.read(["a.Cart": [3]])
        scene.passAndSettle(.seconds(1))
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.3"])
        #expect(scene.cluster.endpoints("a.order") == nil)
    }

    @Test("an entry that somebody served for a moment, before it was looked at, begins its retention anew")
    func servedForAMoment() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": [1], "a.Order": [2]])
        scene.remove("a.Cart", 1)
        scene.settle()
        scene.pass(.seconds(90))
        scene.add("a.Cart", 1)
        scene.remove("a.Cart", 1)
        scene.passAndSettle(.seconds(99))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.passAndSettle(.seconds(1))
        #expect(scene.cluster.endpoints("a.cart") == nil)
    }

    @Test("an address that becomes free goes to the service that lacked one")
    func freedAddress() throws {
        var policy = Self.policy
        policy.addresses = .block(try #require(CIDRBlock("10.96.0.0/30")))
        var scene = Scene(policy: policy)
        scene.begin()
        scene.read(["a.A": [1], "a.B": [2], "a.C": [3]])
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.a", "a.b"])
        scene.remove("a.A", 1)
        scene.passAndSettle(.seconds(100))
        #expect(scene.cluster.content.keys.sorted() == ["a.b", "a.c"])
    }

    @Test("an empty entry of a service whose list can't be read stays, however long")
    func undecidable() {
        var earlier = Self.scene()
        earlier.begin()
        earlier.read(["a.Cart": [1], "a.Order": [2]])
        earlier.remove("a.Cart", 1)
        earlier.settle()
        #expect(earlier.cluster.endpoints("a.cart") == [])
        var scene = Self.scene(earlier.cluster)
        scene.recall(earlier.snapshot())
        scene.begin()
        scene.accept(.begin)
        scene.accept(.unreadable(name: "a.Cart", reason: "no permission"))
        scene.accept(.complete)
        scene.passAndSettle(.seconds(1000))
        #expect(scene.cluster.endpoints("a.cart") == [])
    }

    @Test("an entry that was served while a registry had yet to be read begins its retention anew")
    func servedWhileUndecided() {
        let registries = ["zk", "nacos"]
        var earlier = Self.scene(registries: registries)
        earlier.begin()
        for registry in registries { earlier.read(["a.Cart": [1], "a.Order": [2]], from: registry) }
        for registry in registries { earlier.remove("a.Cart", 1, in: registry) }
        earlier.settle()
        earlier.pass(.seconds(90))
        var scene = Self.scene(earlier.cluster, registries: registries)
        scene.recall(earlier.snapshot())
        scene.begin()
        scene.add("a.Cart", 1)
        scene.remove("a.Cart", 1)
        for registry in registries { scene.read(["a.Order": [2]], from: registry) }
        scene.passAndSettle(.seconds(50))
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.passAndSettle(.seconds(100))
        #expect(scene.cluster.endpoints("a.cart") == nil)
    }
}

extension Scene {
    fileprivate mutating func passAndSettle(_ time: Duration) {
        pass(time)
        settle()
    }
}
