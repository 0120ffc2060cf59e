import IstioAPI
import JSON
import Planning
import Testing

@Suite("changes in words")
struct ChangeReportTests {
    private static let ownership = Ownership(labels: ["owner": "us"], annotationPrefix: "us/")

    private static func entry(_ change: (inout ServiceEntry) -> Void = { _ in }) -> ServiceEntry {
        var entry = ServiceEntry(
            key: ResourceKey(namespace: "dubbo", name: "cart"), labels: ["owner": "us"],
            annotations: ["us/service": "Cart"], hosts: ["cart"], addresses: ["240.16.0.1"],
            ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            endpoints: [.init(address: "10.0.0.1", ports: ["tcp-dubbo": 20880])])
        change(&entry)
        return entry
    }

    private static func object(_ entry: ServiceEntry) -> ActualObject {
        ActualObject(
            key: entry.key, revision: Revision(7), labels: entry.labels, annotations: entry.annotations,
            spec: entry.spec)
    }

    private static func report(from: ServiceEntry?, to: ServiceEntry?) -> ChangeReport? {
        let change = Change.plan(desired: to.map(Resource.serviceEntry), actual: from.map(object), ownership: ownership)
        return ChangeReport(entry().key, change, push: change.push())
    }

    @Test("no change has no report")
    func none() {
        #expect(Self.report(from: Self.entry(), to: Self.entry()) == nil)
        #expect(Self.report(from: nil, to: nil) == nil)
    }

    @Test("a new service shows its port, address and endpoints, and is a full push")
    func create() throws {
        let report = try #require(Self.report(from: nil, to: Self.entry()))
        #expect(report.action == .create)
        #expect(report.note == "full push, because the service is new")
        #expect(report.details == ["+ port 20880 tcp-dubbo", "+ address 240.16.0.1", "+ endpoint 10.0.0.1:20880"])
    }

    @Test("a service that goes shows what it loses")
    func delete() throws {
        let report = try #require(Self.report(from: Self.entry(), to: nil))
        #expect(report.action == .delete)
        #expect(report.note == "full push, because the service goes")
        #expect(report.details == ["- endpoint 10.0.0.1:20880"])
    }

    @Test("of endpoints only those are shown that come, go or change, each with what sets it apart")
    func endpoints() throws {
        let report = try #require(
            Self.report(
                from: Self.entry { entry in
                    entry.endpoints.append(.init(address: "10.0.0.2", ports: ["tcp-dubbo": 20880]))
                    entry.endpoints.append(.init(address: "10.0.0.3", ports: ["tcp-dubbo": 20880]))
                },
                to: Self.entry { entry in
                    entry.endpoints.append(
                        .init(
                            address: "10.0.0.3", ports: ["tcp-dubbo": 20880], labels: ["version": "2.0"],
                            locality: "eu/a", weight: 200))
                    entry.endpoints.append(.init(address: "10.0.0.4", ports: ["tcp-dubbo": 20881]))
                }))
        #expect(report.action == .change)
        #expect(report.note == "endpoints only")
        #expect(
            report.details == [
                "- endpoint 10.0.0.2:20880",
                "~ endpoint 10.0.0.3:20880 → 10.0.0.3:20880 weight=200 locality=eu/a version=2.0",
                "+ endpoint 10.0.0.4:20881",
            ])
    }

    @Test("two endpoints of one place are both accounted for")
    func samePlace() throws {
        let twin = ServiceEntry.Endpoint(address: "10.0.0.1", ports: ["tcp-dubbo": 20880], labels: ["version": "2"])
        let report = try #require(Self.report(from: Self.entry(), to: Self.entry { $0.endpoints.append(twin) }))
        #expect(report.details == ["+ endpoint 10.0.0.1:20880 version=2"])
    }

    @Test("an IPv6 endpoint is written as in a URL")
    func ipv6() throws {
        let report = try #require(
            Self.report(
                from: Self.entry(),
                to: Self.entry { $0.endpoints.append(.init(address: "fd00::1", ports: ["tcp-dubbo": 20880])) }))
        #expect(report.details == ["+ endpoint [fd00::1]:20880"])
    }

    @Test("another order of the same endpoints is said to be one")
    func order() throws {
        let second = ServiceEntry.Endpoint(address: "10.0.0.2", ports: ["tcp-dubbo": 20880])
        let report = try #require(
            Self.report(
                from: Self.entry { $0.endpoints.append(second) }, to: Self.entry { $0.endpoints.insert(second, at: 0) })
        )
        #expect(report.details == ["~ the order of the endpoints"])
    }

    @Test("changes of the service, its labels and annotations show before and after, and why everything is pushed")
    func service() throws {
        let report = try #require(
            Self.report(
                from: Self.entry { $0.annotations["us/old"] = "x" },
                to: Self.entry { entry in
                    entry.addresses = ["240.16.0.2"]
                    entry.exportTo = ["."]
                    entry.labels["team"] = "shop"
                }))
        #expect(
            report.note
                == "full push, because spec.addresses changes and spec.exportTo changes and metadata.labels change")
        #expect(
            report.details == [
                #"~ spec.addresses: ["240.16.0.1"] → ["240.16.0.2"]"#, #"~ spec.exportTo: nothing → ["."]"#,
                #"~ metadata.labels[team]: nothing → "shop""#, #"~ metadata.annotations[us/old]: "x" → nothing"#,
            ])
    }

    @Test("a conflict says what stands in the way and what to do")
    func conflict() throws {
        let change = Change.plan(
            desired: .serviceEntry(Self.entry()), actual: Self.object(Self.entry { $0.labels = [:] }),
            ownership: Self.ownership)
        let report = try #require(ChangeReport(Self.entry().key, change, push: change.push()))
        #expect(report.action == .conflict)
        #expect(report.note.contains("dubbo/cart exists and is not ours"))
        #expect(report.note.contains("owner=us"))
        #expect(report.details.isEmpty)
    }
}
