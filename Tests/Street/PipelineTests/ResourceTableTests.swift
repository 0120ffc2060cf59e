import IstioAPI
import Testing

@testable import Pipeline

@Suite("the table of resources")
struct ResourceTableTests {
    private func entry(_ hosts: [UInt8], hasWorkloads: Bool, label: String = "x") -> ServiceEntry {
        var entry = ServiceEntry(
            key: ResourceKey(namespace: "dubbo", name: "a.cart"), labels: ["l": label], annotations: [:],
            hosts: ["a.cart"], addresses: [], ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            resolution: .static,
            endpoints: hosts.map {
                .init(
                    address: "10.0.0.\($0)", ports: ["tcp-dubbo": 20880])
            }, exportTo: [])
        if hasWorkloads { entry.workloadSelector = ServiceEntry.selector(forEntry: "a.cart") }
        return entry
    }

    /// - Returns: The kinds of the keys that changed.
    private func update(_ table: inout ResourceTable, _ entry: ServiceEntry) -> [ResourceKind] {
        var changed: [ResourceKey] = []
        let differs = table.update(entry, &changed)
        #expect(differs == !changed.isEmpty)
        #expect(Set(changed).count == changed.count)
        return changed.map(\.kind)
    }

    @Test("an inline entry is one key, whatever changes in it")
    func inline() {
        var table = ResourceTable()
        #expect(update(&table, entry([1, 2], hasWorkloads: false)) == [.serviceEntry])
        #expect(update(&table, entry([1, 2], hasWorkloads: false)) == [])
        #expect(update(&table, entry([1, 3], hasWorkloads: false)) == [.serviceEntry])
        #expect(table.resources.count == 1)
    }

    @Test("of a large service the endpoints that differ are told of, and all of them where the entry's labels change")
    func workloads() {
        var table = ResourceTable()
        #expect(update(&table, entry([1, 2, 3], hasWorkloads: true)).filter { $0 == .workloadEntry }.count == 3)
        #expect(update(&table, entry([1, 3, 4], hasWorkloads: true)).filter { $0 == .workloadEntry }.count == 2)
        let relabelled = update(&table, entry([1, 3, 4], hasWorkloads: true, label: "y"))
        #expect(relabelled.filter { $0 == .workloadEntry }.count == 3)
        #expect(table.resources.count == 4)
        #expect(update(&table, entry([1, 3, 4], hasWorkloads: false, label: "y")).count == 4)
        #expect(table.resources.count == 1)
    }

    @Test("where the limit leaves endpoints out, only what goes and what comes is told of")
    func limit() {
        var table = ResourceTable(limit: 3)
        #expect(update(&table, entry([1, 2, 3, 4], hasWorkloads: true)).count == 3)
        #expect(table.leftOut.values.map(\.self) == [2])
        #expect(update(&table, entry([1, 2, 3, 4], hasWorkloads: true)) == [])
        #expect(update(&table, entry([2, 3, 4], hasWorkloads: true)).filter { $0 == .workloadEntry }.count == 2)
        #expect(table.leftOut.values.map(\.self) == [1])
    }

    @Test("an entry goes with its WorkloadEntries")
    func removed() {
        var table = ResourceTable()
        _ = update(&table, entry([1, 2], hasWorkloads: true))
        var changed: [ResourceKey] = []
        table.remove(ResourceKey(namespace: "dubbo", name: "a.cart"), &changed)
        #expect(changed.count == 3)
        #expect(table.resources.isEmpty)
    }
}
