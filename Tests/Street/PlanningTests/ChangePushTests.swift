import IstioAPI
import JSON
import Planning
import Testing

@Suite("what istiod pushes for a change")
struct ChangePushTests {
    private func push(from: ServiceEntry?, to: ServiceEntry?) -> IstiodPush {
        Change.plan(
            desired: to.map(Resource.serviceEntry), actual: from.map { ActualObject(created: $0) }, ownership: .sample
        ).push()
    }

    private func entry(_ change: (inout ServiceEntry) -> Void) -> ServiceEntry {
        var entry = ServiceEntry.sample
        change(&entry)
        return entry
    }

    @Test("a service that comes or goes costs a full push")
    func comingAndGoing() {
        #expect("\(push(from: nil, to: .sample))" == "full push, because the service is new")
        #expect("\(push(from: .sample, to: nil))" == "full push, because the service goes")
        #expect("\(push(from: .sample, to: .sample))" == "no push")
    }

    @Test("an endpoint of a service that sidecars resolve costs a full push")
    func names() {
        let before = entry { $0.resolution = .dns }
        let after = entry { entry in
            entry.resolution = .dns
            entry.endpoints.append(.init(address: "orders-3.acme.internal", ports: ["tcp-dubbo": 20880]))
        }
        #expect("\(push(from: before, to: after))" == "full push, because endpoints of a DNS service change")
    }

    @Test("an annotation costs nothing, a label of the object a full push")
    func metadata() {
        #expect(push(from: .sample, to: entry { $0.annotations["isthmus.mesh/registries"] = "nacos" }) == .nothing)
        #expect(push(from: .sample, to: entry { $0.labels["team"] = "shop" }) == .full([.changed(.labels)]))
    }

    @Test(
        "a WorkloadEntry costs what the entry that selects it costs",
        arguments: [
            (ServiceEntry.Resolution.static, "endpoints only"),
            (.dns, "full push, because endpoints of a DNS service change"),
        ])
    func workloads(resolution: ServiceEntry.Resolution, words: String) {
        let selecting = entry { entry in
            entry.resolution = resolution
            entry.workloadSelector = ServiceEntry.selector(forEntry: entry.key.name)
        }
        let workload = Resource.workloadEntry(selecting.workload(of: selecting.endpoints[0]))
        let actual = ActualObject(
            key: workload.key, revision: nil, labels: workload.labels, annotations: workload.annotations,
            spec: workload.spec)
        let create = Change.plan(desired: workload, actual: nil, ownership: .sample)
        let delete = Change.plan(desired: nil, actual: actual, ownership: .sample)
        for change in [create, delete] {
            let standing = ActualObject(created: selecting.selecting).configObject
            #expect("\(change.push(selectedBy: standing))" == words)
            // As long as the entry has its endpoints in itself, nobody sees the WorkloadEntry.
            #expect(change.push(selectedBy: ActualObject(created: .sample).configObject) == .nothing)
            #expect(change.push() == .nothing)
        }
    }

    @Test("a DestinationRule costs a full push")
    func rules() {
        let rule = Resource.destinationRule(
            DestinationRule(
                key: ResourceKey(.destinationRule, namespace: "dubbo", name: "isthmus-main"),
                labels: Ownership.sample.labels, host: "*.mesh", trafficPolicy: .init(usesLocality: false)))
        let change = Change.plan(desired: rule, actual: nil, ownership: .sample)
        #expect("\(change.push())" == "full push, because a DestinationRule changes")
        let report = ChangeReport(rule.key, change, push: change.push())
        #expect(
            report?.details == [
                #"+ spec.host: "*.mesh""#,
                #"+ spec.trafficPolicy: {"loadBalancer":{"localityLbSetting":{"enabled":false}}}"#,
            ])
    }
}
