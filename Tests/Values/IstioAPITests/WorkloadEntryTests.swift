import IstioAPI
import JSON
import Testing

@Suite("WorkloadEntries")
struct WorkloadEntryTests {
    private static let selecting = ServiceEntry.sample.with {
        $0.workloadSelector = ServiceEntry.selector(forEntry: $0.key.name)
    }

    @Test("an entry with a selector has no endpoints in itself")
    func selector() {
        let spec = Self.selecting.spec
        #expect(spec["endpoints"] == nil)
        #expect(spec["workloadSelector"] == ["labels": ["isthmus.mesh/service": "c87cdcfcfe56e32b"]])
        #expect(Self.selecting.violations == [])
        #expect(Self.selecting.inlined == .sample)
    }

    @Test("the whole object is canonical, and has the label by which it is selected in both places")
    func whole() {
        let entry = Self.selecting.workload(of: Self.selecting.endpoints[0])
        let text = String(decoding: Resource.workloadEntry(entry).json(version: "v1").bytes, as: UTF8.self)
        #expect(
            text == #"{"apiVersion":"networking.istio.io/v1","kind":"WorkloadEntry","metadata":{"annotations":"#
                + #"{"isthmus.mesh/registries":"zk"},"labels":{"app.kubernetes.io/managed-by":"isthmus","#
                + #""isthmus.mesh/service":"c87cdcfcfe56e32b"},"name":"com.acme.cart.e-6de5a465c7829262","namespace":"dubbo"},"#
                + #""spec":{"address":"10.0.0.1","labels":{"isthmus.mesh/service":"c87cdcfcfe56e32b","version":"1"},"#
                + #""locality":"eu/a","ports":{"tcp-dubbo":20881},"weight":5}}"#)
        #expect(entry.violations == [])
    }

    @Test("the name depends on address and port alone, and tells the ServiceEntry")
    func name() {
        let endpoint = Self.selecting.endpoints[0]
        func changed(_ change: (inout ServiceEntry.Endpoint) -> Void) -> ResourceKey {
            var other = endpoint
            change(&other)
            return Self.selecting.workloadKey(of: other)
        }
        let key = Self.selecting.workloadKey(of: endpoint)
        #expect(changed { $0.weight = 7 } == key)
        #expect(changed { $0.labels = [:] } == key)
        #expect(changed { $0.address = "10.0.0.2" } != key)
        #expect(changed { $0.ports = ["tcp-dubbo": 20882] } != key)
        #expect(WorkloadEntry.serviceEntry(ofWorkload: key) == ServiceEntry.sample.key)
        #expect(WorkloadEntry.serviceEntry(ofWorkload: ServiceEntry.sample.key) == nil)
        #expect(WorkloadEntry.serviceEntry(ofWorkload: ResourceKey(.workloadEntry, namespace: "a", name: "b")) == nil)
    }

    @Test("a name of 234 characters can have endpoints of its own")
    func longest() {
        let entry = Self.selecting.with {
            $0.key.name = (0..<4).map { _ in String(repeating: "a", count: 57) }.joined(separator: ".") + ".aa"
        }
        #expect(entry.key.name.utf8.count == 234)
        #expect(entry.workload(of: entry.endpoints[0]).violations == [])
    }

    @Test("what istiod or the CRD would refuse is found, with its field")
    func violations() {
        func fields(_ change: (inout WorkloadEntry) -> Void) -> [String] {
            var entry = Self.selecting.workload(of: Self.selecting.endpoints[0])
            change(&entry)
            return entry.violations.map(\.field)
        }
        #expect(fields { $0.key.name = "Cart" } == ["metadata.name"])
        #expect(fields { $0.endpoint.address = "not an address" } == ["spec.address"])
        #expect(fields { $0.endpoint.address = "" } == ["spec.address"])
        #expect(fields { $0.endpoint.address = "shop.example" } == [])
        #expect(fields { $0.endpoint.ports = ["tcp-dubbo": 0] } == ["spec.ports"])
        #expect(fields { $0.endpoint.ports = ["tcp dubbo": 1] } == ["spec.ports"])
        #expect(fields { $0.endpoint.labels["a/b/c"] = "1" } == ["spec.labels"])
        #expect(fields { $0.endpoint.labels["a"] = "no label" } == ["spec.labels[a]"])
        #expect(fields { $0.endpoint.locality = String(repeating: "x", count: 2049) } == ["spec.locality"])
    }

    @Test("the limits of one object don't hold for endpoints outside it, all other rules do")
    func limits() {
        let many = (0..<5000).map {
            ServiceEntry.Endpoint(address: "10.1.\($0 / 250).\($0 % 250)", ports: ["tcp-dubbo": 20880])
        }
        #expect(Self.selecting.with { $0.endpoints = many }.violations == [])
        #expect(ServiceEntry.sample.with { $0.endpoints = many }.violations.map(\.field) == ["spec.endpoints"])
        let odd = Self.selecting.with { $0.endpoints[0].address = "x y" }
        #expect(odd.violations.map(\.field) == ["spec.endpoints[0].address"])
    }
}
