import Addressing
import Catalog
import Deliveries
import Dubbo
import IstioAPI
import Planning
import Services
import Snapshot
import Sources
import Testing
import Translation

@testable import Pipeline

@Suite("losses under the guard, as the cluster sees them")
struct HoldTests {
    private static func begun(_ cluster: Cluster = Cluster()) -> Scene {
        var scene = Scene(cluster, guardPolicy: GuardPolicy())
        scene.begin()
        return scene
    }

    @Test("a service loses its last endpoint when a second read, that was asked for, finds none")
    func secondRead() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1], "a.Order": [2]])
        scene.remove("a.Cart", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.nextRead() == .names(["a.Cart"]))
        scene.accept(.services(name: "a.Cart", [:]))
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
    }

    @Test("a held loss costs no write, is read again and again, and is believed after five minutes")
    func believed() {
        var scene = Self.begun()
        scene.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        scene.settle()
        let writes = scene.cluster.writes
        scene.read(["a.Cart": [], "a.Order": Array(41...100)])
        #expect(scene.nextRead() == .everything)
        for _ in 0..<10 {
            scene.read(["a.Cart": [], "a.Order": Array(41...100)])
            scene.settle()
            #expect(scene.cluster.writes == writes)
            #expect(scene.nextRead() == nil)
            scene.pass(.seconds(30))
            #expect(scene.nextRead() == .everything)
        }
        scene.read(["a.Cart": [], "a.Order": Array(41...100)])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
    }

    @Test("a registry whose losses are held is left alone for ten times as long as its last read took")
    func slowReads() {
        var scene = Self.begun()
        scene.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        scene.read(["a.Order": Array(41...100)], taking: .seconds(60))
        #expect(scene.nextRead() == .everything)
        scene.pass(.seconds(599))
        #expect(scene.nextRead() == nil)
        scene.pass(.seconds(1))
        #expect(scene.nextRead() == .everything)
    }

    @Test("a read that somebody else asked for takes the place of the one that is due, also where it breaks off")
    func otherRead() {
        var scene = Self.begun()
        scene.read(["a.Cart": Array(1...40), "a.Order": Array(41...100)])
        scene.read(["a.Order": Array(41...100)])
        #expect(scene.nextRead() == .everything)
        scene.pass(.seconds(20))
        scene.accept(.begin)
        scene.accept(.interrupted(reason: "lost"))
        scene.pass(.seconds(29))
        #expect(scene.nextRead() == nil)
        scene.pass(.seconds(1))
        #expect(scene.nextRead() == .everything)
    }

    @Test("an operator releases what is held")
    func released() {
        var scene = Self.begun()
        scene.read(["a.Cart": Array(1...60), "a.Order": Array(61...100)])
        scene.read(["a.Order": Array(61...100)])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart")?.count == 60)
        #expect(scene.release()?.instances == 60)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
        #expect(scene.release() == nil)
        // An operator's release is not reported as an end too.
        #expect(scene.reports.map(\.name) == ["held", "released"])
    }

    @Test("a root that is made again is empty for a moment, which nobody is told of")
    func madeAgain() {
        var scene = Self.begun()
        scene.read(["a.Cart": Array(1...20)])
        scene.accept(.interrupted(reason: "there is no root"))
        scene.read([:])
        #expect(scene.hold()?.cause == .emptyAnswer)
        scene.pass(.milliseconds(900))
        for host in UInt8(1)...20 { scene.add("a.Cart", host) }
        #expect(scene.hold() == nil)
        scene.pass(.seconds(10))
        #expect(scene.reports.isEmpty)
        scene.read([:])
        scene.pass(.seconds(2))
        #expect(scene.reports.map(\.name) == ["held"])
    }

    @Test("the end of a hold is told of, also where another registry brought it about")
    func endElsewhere() {
        var scene = Scene(registries: ["zk", "nacos"], guardPolicy: GuardPolicy())
        scene.begin()
        scene.read(["a.Cart": Array(1...12)])
        scene.read(["b.Till": [50]], from: "nacos")
        scene.read(["z.Last": [99]])
        #expect(scene.hold() != nil)
        for host in UInt8(1)...12 {
            let instance = Instance(
                host: .address(.v4(0x0A00_0000 | UInt32(host))), port: 20880, application: "other")
            scene.accept(
                .added(ServiceID(name: "b.Till", protocol: .dubbo), InstanceKey("b-\(host)"), instance), from: "nacos")
        }
        #expect(scene.hold() == nil && scene.hold(of: "nacos") == nil)
        #expect(scene.reports.map(\.name) == ["held", "ended"])
    }

    // MARK: Before and after a restart

    /// What a snapshot says of an interface that these hosts of 10.0.0.0/24 served.
    private static func remembered(_ name: String, _ hosts: ClosedRange<UInt8>) -> SnapshotRecord {
        SnapshotRecord(
            id: ServiceID(name: name, protocol: .dubbo), registries: ["zk"], instances: hosts.map { .sample($0) })
    }

    /// A cluster with these services.
    private static func cluster(_ services: [String: [UInt8]]) -> Cluster {
        var scene = begun()
        scene.read(services)
        scene.settle()
        return scene.cluster
    }

    /// A restart that recalls a snapshot, in front of a cluster that has begun.
    private static func restarted(_ records: [SnapshotRecord], _ cluster: Cluster = Cluster()) -> Scene {
        var scene = Scene(cluster, guardPolicy: GuardPolicy())
        scene.recall(records)
        scene.begin()
        return scene
    }

    @Test("a snapshot that is older than the cluster's objects brings nothing back that has left since")
    func oldSnapshot() {
        var scene = Self.restarted([Self.remembered("a.Cart", 1...40)], Self.cluster(["a.Cart": Array(21...60)]))
        scene.read(["a.Cart": Array(21...60)])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart")?.count == 40)
        #expect(scene.release() == nil)
    }

    @Test("a service that only an old snapshot knows is not brought back where the cluster has others")
    func removedSinceSnapshot() {
        var scene = Self.restarted(
            [Self.remembered("a.Cart", 1...60), Self.remembered("a.Order", 61...100)],
            Self.cluster(["a.Order": Array(61...100)]))
        #expect(scene.wanted("a.cart") == .undecided)
        scene.read(["a.Order": Array(61...100)])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == nil)
        #expect(scene.release() == nil)
    }

    @Test("objects that a snapshot knows by other names than the cluster keep the cluster's")
    func renamedSinceSnapshot() throws {
        let old = SnapshotRecord(
            id: ServiceID(name: "a.Cart", protocol: .dubbo), assignment: .init(objectName: "a.cart.p-dubbo"),
            registries: ["zk"])
        let cluster = Self.cluster(["a.Cart": [1]])
        let object = try #require(cluster.objects[ResourceKey(namespace: "dubbo", name: "a.cart")])
        var scene = Self.restarted([old], cluster)
        scene.read(["a.Cart": [1]])
        scene.settle()
        #expect(scene.cluster.owned == [object])
    }

    @Test("where the cluster has nothing any more, what a snapshot knows is held against a registry that lost too much")
    func snapshotAlone() {
        var scene = Self.restarted([Self.remembered("a.Cart", 1...60), Self.remembered("a.Order", 61...100)])
        scene.read(["a.Order": Array(61...100)])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart")?.count == 60)
    }

    @Test("what left while the bridge was away is counted once, though snapshot and cluster both knew it")
    func countedOnce() {
        var scene = Scene(Self.cluster(["a.Cart": Array(1...60)]), guardPolicy: GuardPolicy())
        scene.recall([Self.remembered("a.Cart", 1...60)])
        // The registry is faster than the cluster.
        scene.read(["a.Cart": Array(1...52)])
        scene.begin()
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart")?.count == 52)
        #expect(scene.release() == nil)
    }

    @Test("after a restart, what the cluster has is held against a registry that lost too much")
    func restart() {
        var scene = Self.begun(Self.cluster(["a.Cart": Array(1...60), "a.Order": Array(61...100)]))
        let writes = scene.cluster.writes
        scene.read(["a.Order": Array(61...100)])
        scene.settle()
        #expect(scene.cluster.writes == writes)
        #expect(scene.cluster.endpoints("a.cart")?.count == 60)
        scene.add("a.Cart", 1)
        scene.settle()
        #expect(scene.cluster.writes == writes)
    }
}
