import Catalog
import Deliveries
import IstioAPI
import JSON
import Planning
import Services
import Sources
import Testing
import Translation

@testable import Pipeline

/// Several clusters, or several replicas, between which choices and knowledge are shared.
@Suite("what clusters and replicas have in common")
struct SharingTests {
    // MARK: A cluster that can't be reached

    @Test("a cluster that can't be reached holds up the others for a minute, and joins in when it is back")
    func unreachable() {
        var earlier = Scene(Cluster("far"))
        earlier.begin()
        earlier.read(["a.Cart": [1], "a.Gone": [9]])
        earlier.settle()
        var scene = Scene(Cluster(), earlier.cluster)
        scene.begin(0)
        scene.read(["a.Cart": [2], "a.Order": [3]])
        scene.pass(.seconds(59))
        scene.settle(0)
        #expect(scene.cluster.writes == 0)
        #expect(!scene.machine.overview(problemLimit: 0).isReady)
        scene.pass(.seconds(1))
        scene.settle(0)
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        let overview = scene.machine.overview(problemLimit: 0)
        #expect(overview.isReady && overview.unseeded == ["far"])
        scene.begin(1)
        let (near, far) = (scene.clusters[0], scene.clusters[1])
        #expect(far.endpoints("a.cart") == ["10.0.0.2"])
        // Only this cluster knew of it.
        #expect(far.endpoints("a.gone") == [])
        #expect(far.endpoints("a.order") == ["10.0.0.3"])
        #expect(far.address("a.order") == near.address("a.order"))
        #expect(scene.machine.overview(problemLimit: 0).unseeded.isEmpty)
    }

    @Test("what only a late cluster shows of a known service waits for the registry that announced it")
    func lateCluster() {
        var earlier = Scene(Cluster("far"), registries: ["zk", "nacos"])
        earlier.begin()
        earlier.read(["a.Cart": [1]], from: "zk")
        earlier.read(["a.Cart": [2]], from: "nacos")
        earlier.settle()
        var near = Scene(registries: ["zk", "nacos"])
        near.begin()
        near.read(["a.Cart": [1]], from: "zk")
        near.read([:], from: "nacos")
        near.settle()
        var scene = Scene(near.cluster, earlier.cluster, registries: ["zk", "nacos"])
        scene.begin(0)
        scene.read(["a.Cart": [1]], from: "zk")
        scene.accept(.interrupted(reason: "refused"), from: "nacos")
        scene.pass(.seconds(60))
        scene.settle(0)
        scene.begin(1)
        scene.settle(1)
        #expect(scene.clusters[1].endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        scene.read(["a.Order": [3]], from: "nacos")
        scene.settle(1)
        #expect(scene.clusters[1].endpoints("a.cart") == ["10.0.0.1"])
    }

    @Test("as long as no cluster has told what it holds, nothing is decided")
    func nobody() {
        var scene = Scene()
        scene.read(["a.Cart": [1]])
        scene.pass(.seconds(600))
        #expect(scene.wanted("a.cart") == .undecided)
        scene.begin()
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
    }

    // MARK: Another replica's work

    @Test(
        "a replica that takes over while it can't follow the registry leaves alone what it can't know",
        arguments: [false, true], [GuardPolicy(), nil])
    func takeoverBehind(hasRead: Bool, guardPolicy: GuardPolicy?) {
        var leader = Scene()
        leader.begin()
        leader.read(["a.Cart": [1, 2], "a.Order": [5]])
        leader.settle()
        var standby = Scene(leader.cluster, guardPolicy: guardPolicy)
        standby.begin()
        if hasRead { standby.read(["a.Cart": [1, 2], "a.Order": [5]]) }
        standby.accept(.interrupted(reason: "the network"))
        leader.read(["a.Cart": [3, 4], "a.Order": [5], "a.New": [6]])
        leader.settle()

        standby.cluster = leader.cluster
        standby.adopt()
        for name in ["a.cart", "a.order", "a.new"] {
            standby.cluster.told.insert(ResourceKey(namespace: "dubbo", name: name))
        }
        standby.settle()
        #expect(standby.cluster.content == leader.cluster.content)

        standby.read(["a.Cart": [3, 7], "a.Order": [5], "a.New": [6]])
        standby.settle()
        #expect(standby.cluster.endpoints("a.cart") == ["10.0.0.3", "10.0.0.7"])
        #expect(standby.cluster.endpoints("a.new") == ["10.0.0.6"])
    }

    @Test("a replica that takes over while it can't follow one of two registries goes on with the other's")
    func takeoverHalfBehind() {
        var standby = Scene(registries: ["zk", "nacos"])
        standby.begin()
        standby.read(["a.Cart": [1]], from: "zk")
        standby.read(["a.Order": [5]], from: "nacos")
        standby.settle()
        standby.accept(.interrupted(reason: "the network"), from: "nacos")
        standby.adopt()
        standby.add("a.Cart", 2)
        standby.settle()
        #expect(standby.cluster.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        #expect(standby.cluster.endpoints("a.order") == ["10.0.0.5"])
    }

    @Test("what an operator had the leader release does not come back with the next leader")
    func releasedElsewhere() {
        var standby = Scene(guardPolicy: GuardPolicy())
        standby.begin()
        standby.read(["a.Cart": Array(1...40), "a.Order": Array(41...80)])
        standby.settle()
        standby.read(["a.Order": Array(41...80)])
        standby.settle()
        #expect(standby.cluster.endpoints("a.cart")?.count == 40)
        // The leader's object, after the release.
        standby.cluster.edit("a.cart", ["endpoints": []])
        standby.adopt()
        standby.settle()
        #expect(standby.cluster.endpoints("a.cart") == [])
        #expect(standby.release() == nil)
    }

    @Test(
        "a host that somebody edited becomes nobody's choice, neither at a takeover nor at a start",
        arguments: [true, false])
    func editedHost(isTakeover: Bool) {
        var scene = Scene()
        scene.begin()
        scene.read(["a.Cart": [1]])
        scene.settle()
        let before = scene.cluster.content
        scene.cluster.edit("a.cart", ["hosts": ["stolen.example"]])
        if isTakeover {
            scene.adopt()
        } else {
            scene = Scene(scene.cluster)
            scene.begin()
            scene.read(["a.Cart": [1]])
        }
        let key = ResourceKey(namespace: "dubbo", name: "a.cart")
        let uid = scene.cluster.objects[key]?.uid
        scene.settle()
        #expect(scene.cluster.content == before)
        #expect(scene.cluster.objects[key]?.uid == uid)
    }

    @Test("the choices of another cluster's leader are taken over, except where this replica leads somewhere itself")
    func choices() {
        var scene = Scene(Cluster(), Cluster("other"))
        scene.begin(0)
        scene.begin(1)
        scene.read(["a.Cart": [1]])
        for index in 0..<2 { scene.settle(index) }
        let first = scene.cluster.address("a.cart")
        scene.clusters[1].edit("a.cart", ["addresses": ["240.20.0.1"]])
        scene.leadsElsewhere = true
        scene.adopt(1)
        scene.settle(0)
        #expect(scene.cluster.address("a.cart") == first)
        scene.leadsElsewhere = false
        scene.adopt(1)
        scene.settle(0)
        #expect(scene.cluster.address("a.cart") == "240.20.0.1")
    }

    // MARK: Readiness

    @Test("a replica that was ready stays so when what it knew from before is settled")
    func staysReady() {
        var earlier = Scene()
        earlier.begin()
        earlier.read(["a.Cart": [1]])
        earlier.settle()
        var scene = Scene(earlier.cluster, registries: ["zk", "nacos"])
        scene.begin()
        #expect(scene.machine.overview(problemLimit: 0).isReady)
        scene.read(["a.Cart": [1]])
        #expect(scene.machine.overview(problemLimit: 0).isReady)
    }
}
