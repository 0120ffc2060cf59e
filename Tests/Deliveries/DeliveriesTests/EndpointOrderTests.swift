import Deliveries
import IstioAPI
import Planning
import Synchronization
import Testing

@Suite("the order of a one-shot reconcile")
struct EndpointOrderTests {
    private let service = ServiceEntry(
        key: ResourceKey(namespace: "dubbo", name: "large"), labels: [:], annotations: [:], hosts: ["large.example"],
        addresses: [], ports: [], endpoints: [.init(address: "10.0.0.1", ports: [:])])

    /// The service beside its WorkloadEntries.
    private var selecting: ServiceEntry {
        var entry = service.selecting
        entry.workloadSelector = ServiceEntry.selector(forEntry: service.key.name)
        return entry
    }

    private var workload: WorkloadEntry { service.workload(of: service.endpoints[0]) }
    private var workloadKey: ResourceKey { service.workloadKey(of: service.endpoints[0]) }

    private func actual(_ resource: Resource) -> ActualObject {
        ActualObject(
            key: resource.key, revision: nil, labels: resource.labels, annotations: resource.annotations,
            spec: resource.spec)
    }

    private func change(_ key: ResourceKey, from old: Resource?, to new: Resource?) -> PlannedChange {
        let ownership = Ownership(labels: [:], annotationPrefix: "isthmus.mesh/")
        let change = Change.plan(desired: new, actual: old.map(actual), ownership: ownership)
        return PlannedChange(key: key, change: change, push: change.push())
    }

    /// - Returns: The changes in their order, and what became of each.
    private func carryOut(
        _ changes: [PlannedChange], failing failure: ResourceKey? = nil
    ) async -> (order: [ResourceKey], attempts: [ResourceKey: Attempt]) {
        let order = Mutex<[ResourceKey]>([])
        let attempts = Mutex<[ResourceKey: Attempt]>([:])
        await EndpointOrder(changes).carryOut(
            width: 16, settleTime: .zero,
            by: { change in
                order.withLock { $0.append(change.key) }
                return change.key == failure
                    ? .failed(reason: "down", retryAfter: nil) : .done(.created(.full([.appears])))
            },
            report: { change, attempt in attempts.withLock { $0[change.key] = attempt } })
        return (order.withLock { $0 }, attempts.withLock { $0 })
    }

    @Test("out of the entry: the WorkloadEntry comes before the entry drops its endpoints")
    func out() async {
        let changes = [
            change(service.key, from: .serviceEntry(service), to: .serviceEntry(selecting)),
            change(workloadKey, from: nil, to: .workloadEntry(workload)),
        ]
        #expect(await carryOut(changes).order == [workloadKey, service.key])
    }

    @Test("back into the entry: the entry shows its endpoints before the WorkloadEntry goes")
    func back() async {
        let changes = [
            change(workloadKey, from: .workloadEntry(workload), to: nil),
            change(service.key, from: .serviceEntry(selecting), to: .serviceEntry(service)),
        ]
        #expect(await carryOut(changes).order == [service.key, workloadKey])
    }

    @Test("what takes endpoints away is left out where a change of the same service failed, and goes on for others")
    func failure() async {
        var other = service
        other.key.name = "other"
        let otherWorkload = other.workload(of: other.endpoints[0])
        let changes = [
            change(service.key, from: .serviceEntry(service), to: .serviceEntry(selecting)),
            change(workloadKey, from: nil, to: .workloadEntry(workload)),
            change(other.workloadKey(of: other.endpoints[0]), from: .workloadEntry(otherWorkload), to: nil),
        ]
        let (order, attempts) = await carryOut(changes, failing: workloadKey)
        #expect(order == [workloadKey, other.workloadKey(of: other.endpoints[0])])
        #expect(attempts.count == 3)
        guard case .failed(let reason, _)? = attempts[service.key] else {
            Issue.record("the entry was changed")
            return
        }
        #expect(reason.contains("waits for a change that could not be carried out"))
    }
}
