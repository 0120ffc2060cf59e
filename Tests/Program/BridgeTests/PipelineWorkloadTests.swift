import Bridge
import Catalog
import Dubbo
import IsthmusTesting
import IstioAPI
import JSON
import Pipeline
import Planning
import Services
import Snapshot
import Testing
import Translation

@Suite("large services, from registries to deliveries")
struct PipelineWorkloadTests {
    private static let policy = TranslationPolicy(namespace: "dubbo", inlineLimit: .init(endpoints: 10))
    private let cluster = FakeCluster()

    private func pipeline() -> PipelineActor { .sample(cluster, policy: Self.policy) }

    @Test(
        "a service becomes large and small again; all the while its endpoints are there once, in the form of its size")
    func life() async {
        let pipeline = pipeline()
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...10), "a.Order": [1]])
        await cluster.settle(pipeline)
        #expect(cluster.objects.count == 2)
        #expect(cluster.endpoints("a.cart")?.count == 10)
        await pipeline.add("a.Cart", 11)
        await cluster.settle(pipeline)
        #expect(cluster.selected("a.cart") == (1...11).addresses)
        #expect(cluster.workloads.count == 11)
        for host in UInt8(5)...11 { await pipeline.remove("a.Cart", host) }
        await cluster.settle(pipeline)
        #expect(cluster.workloads.isEmpty)
        #expect(cluster.endpoints("a.cart")?.count == 4)
    }

    @Test("an instance that comes or goes is one write")
    func oneWrite() async {
        let pipeline = pipeline()
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...20)])
        await cluster.settle(pipeline)
        let writes = cluster.writes
        #expect(writes == 21)
        await pipeline.add("a.Cart", 21)
        await cluster.settle(pipeline)
        #expect(cluster.writes == writes + 1)
        await pipeline.remove("a.Cart", 3)
        await cluster.settle(pipeline)
        #expect(cluster.writes == writes + 2)
        #expect(cluster.selected("a.cart") == (1...21).addresses.subtracting([UInt8(3)].addresses))
    }

    @Test("a restart writes nothing, in whichever form a service was, and an endpoint that went meanwhile goes")
    func restart() async {
        let first = pipeline()
        await cluster.begin(first)
        await first.read(["a.Cart": Array(1...20), "a.Order": [1]])
        await first.read(["a.Cart": Array(1...7), "a.Order": [1]])
        await cluster.settle(first)
        #expect(cluster.workloads.count == 7)
        let writes = cluster.writes
        let second = pipeline()
        await cluster.begin(second)
        #expect(cluster.writes == writes)
        await second.read(["a.Cart": Array(1...7), "a.Order": [1]])
        await cluster.settle(second)
        #expect(cluster.writes == writes)
        let third = pipeline()
        await cluster.begin(third)
        await third.read(["a.Cart": Array(1...6), "a.Order": [1]])
        await cluster.settle(third)
        #expect(cluster.writes == writes + 1)
        #expect(cluster.selected("a.cart") == (1...6).addresses)
    }

    @Test("an endpoint that was asked for too early is decided with its service")
    func early() async {
        let first = pipeline()
        await cluster.begin(first)
        await first.read(["a.Cart": Array(1...20)])
        await cluster.settle(first)
        let second = PipelineActor.sample(cluster, registries: ["zk", "other"], policy: Self.policy)
        await cluster.begin(second)
        // Every endpoint was asked for by now, and nothing is known yet; that one has gone is told by nobody.
        await second.read([:], from: "other")
        await cluster.settle(second)
        #expect(cluster.workloads.count == 20)
        await second.read(["a.Cart": Array(1...19)])
        await cluster.settle(second)
        #expect(cluster.selected("a.cart") == (1...19).addresses)
    }

    @Test("a large service that everyone left keeps its entry, which selects nothing")
    func empty() async {
        let pipeline = pipeline()
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...12)])
        await cluster.settle(pipeline)
        for host in UInt8(1)...12 { await pipeline.remove("a.Cart", host) }
        await cluster.settle(pipeline)
        #expect(cluster.workloads.isEmpty)
        #expect(cluster.selected("a.cart") == [])
    }

    @Test("a snapshot remembers the form")
    func snapshot() async throws {
        let pipeline = pipeline()
        await cluster.begin(pipeline)
        await pipeline.read(["a.Cart": Array(1...12)])
        let record = try #require(await pipeline.snapshotPage(after: nil, limit: 9).first)
        #expect(record.objects[.dubbo]?.hasWorkloads == true)
        #expect(try SnapshotRecord(parsing: record.line, protocols: ProtocolTable([.dubbo])) == record)
        let other = FakeCluster()
        let second = PipelineActor.sample(other, policy: Self.policy)
        await second.recall([record])
        await other.begin(second)
        await second.read(["a.Cart": Array(1...7)])
        await other.settle(second)
        #expect(other.workloads.count == 7)
    }
}

extension FakeCluster {
    fileprivate var workloads: [ActualObject] { objects.values.filter { $0.key.kind == .workloadEntry } }

    /// The addresses that a ServiceEntry selects.
    fileprivate func selected(_ name: String) -> Set<String>? {
        let entry = objects[ResourceKey(namespace: "dubbo", name: name)]
        guard let selector = entry?.spec["workloadSelector"]?["labels"]?.strings else { return nil }
        let selected = workloads.filter { workload in
            let labels = workload.spec["labels"]?.strings ?? [:]
            return selector.allSatisfy { labels[$0.key] == $0.value }
        }
        return Set(selected.compactMap { $0.spec["address"]?.string })
    }
}

extension Collection where Element == UInt8 {
    fileprivate var addresses: Set<String> { Set(map { "10.0.0.\($0)" }) }
}
