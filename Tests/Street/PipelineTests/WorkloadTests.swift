import Dubbo
import IstioAPI
import Planning
import Services
import Snapshot
import Testing
import Translation

@Suite("large services, from registries to deliveries")
struct WorkloadTests {
    private static let policy = TranslationPolicy(namespace: "dubbo", inlineLimit: .init(endpoints: 10))

    private static func scene(_ cluster: Cluster = Cluster()) -> Scene { Scene(cluster, policy: policy) }

    @Test(
        "a service becomes large and small again; all the while its endpoints are there once, in the form of its size")
    func life() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": Array(1...10), "a.Order": [1]])
        scene.settle()
        #expect(scene.cluster.objects.count == 2)
        #expect(scene.cluster.endpoints("a.cart")?.count == 10)
        scene.add("a.Cart", 11)
        scene.settle()
        #expect(scene.cluster.selected("a.cart") == (1...11).addresses)
        #expect(scene.cluster.workloads.count == 11)
        for host in UInt8(5)...11 { scene.remove("a.Cart", host) }
        scene.settle()
        #expect(scene.cluster.workloads.isEmpty)
        #expect(scene.cluster.endpoints("a.cart")?.count == 4)
    }

    @Test("an instance that comes or goes is one write")
    func oneWrite() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": Array(1...20)])
        scene.settle()
        let writes = scene.cluster.writes
        #expect(writes == 21)
        scene.add("a.Cart", 21)
        scene.settle()
        #expect(scene.cluster.writes == writes + 1)
        scene.remove("a.Cart", 3)
        scene.settle()
        #expect(scene.cluster.writes == writes + 2)
        #expect(scene.cluster.selected("a.cart") == (1...21).addresses.subtracting([UInt8(3)].addresses))
    }

    @Test("a restart writes nothing, in whichever form a service was, and an endpoint that went meanwhile goes")
    func restart() {
        var first = Self.scene()
        first.begin()
        first.read(["a.Cart": Array(1...20), "a.Order": [1]])
        first.read(["a.Cart": Array(1...7), "a.Order": [1]])
        first.settle()
        #expect(first.cluster.workloads.count == 7)
        let writes = first.cluster.writes
        var second = Self.scene(first.cluster)
        second.begin()
        #expect(second.cluster.writes == writes)
        second.read(["a.Cart": Array(1...7), "a.Order": [1]])
        second.settle()
        #expect(second.cluster.writes == writes)
        var third = Self.scene(second.cluster)
        third.begin()
        third.read(["a.Cart": Array(1...6), "a.Order": [1]])
        third.settle()
        #expect(third.cluster.writes == writes + 1)
        #expect(third.cluster.selected("a.cart") == (1...6).addresses)
    }

    @Test("an endpoint that was asked for too early is decided with its service")
    func early() {
        var first = Self.scene()
        first.begin()
        first.read(["a.Cart": Array(1...20)])
        first.settle()
        var second = Scene(first.cluster, registries: ["zk", "other"], policy: Self.policy)
        second.begin()
        // Every endpoint was asked for by now, and nothing is known yet; that one has gone is told by nobody.
        second.read([:], from: "other")
        second.settle()
        #expect(second.cluster.workloads.count == 20)
        second.read(["a.Cart": Array(1...19)])
        second.settle()
        #expect(second.cluster.selected("a.cart") == (1...19).addresses)
    }

    @Test("a large service that everyone left keeps its entry, which selects nothing")
    func empty() {
        var scene = Self.scene()
        scene.begin()
        scene.read(["a.Cart": Array(1...12)])
        scene.settle()
        for host in UInt8(1)...12 { scene.remove("a.Cart", host) }
        scene.settle()
        #expect(scene.cluster.workloads.isEmpty)
        #expect(scene.cluster.selected("a.cart") == [])
    }

    @Test("a snapshot remembers the form")
    func snapshot() throws {
        var first = Self.scene()
        first.begin()
        first.read(["a.Cart": Array(1...12)])
        let record = try #require(first.snapshot().first)
        #expect(record.assignment?.hasWorkloads == true)
        #expect(try SnapshotRecord.records(parsing: record.line) == [record])
        var second = Self.scene()
        second.recall([record])
        second.begin()
        second.read(["a.Cart": Array(1...7)])
        second.settle()
        #expect(second.cluster.workloads.count == 7)
    }
}
