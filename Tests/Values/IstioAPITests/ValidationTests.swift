import IstioAPI
import JSON
import Testing

@Suite("what istiod or the CRD would refuse")
struct ValidationTests {
    private typealias Case = (field: String, change: (inout ServiceEntry) -> Void)

    @Test("a sound resource has no violations, with many endpoints or none")
    func sound() {
        #expect(ServiceEntry.sample.violations == [])
        #expect(ServiceEntry.sample.with { $0.endpoints = [] }.violations == [])
        #expect(ServiceEntry.sample.with { $0.addresses = ["2001:db8::1", "10.0.0.0/8"] }.violations == [])
        let many = (0..<4096).map {
            ServiceEntry.Endpoint(address: "10.0.\($0 / 256).\($0 % 256)", ports: [:], weight: 1_000_000)
        }
        #expect(ServiceEntry.sample.with { $0.endpoints = many }.violations == [])
    }

    @Test("endpoints are measured as they are written, and more than a mebibyte of them is refused")
    func size() {
        let rack = String(repeating: "r", count: 63)
        func endpoint(_ number: Int) -> ServiceEntry.Endpoint {
            ServiceEntry.Endpoint(
                address: "10.0.\(number / 256).\(number % 256)",
                ports: ["tcp-dubbo": UInt16(1 + number), "grpc-tri": 9],
                labels: ["rack": rack, "zone": "a"], locality: number % 2 == 0 ? "" : "eu/\(rack)",
                weight: number % 3 == 0 ? nil : UInt32(number))
        }
        for count in [0, 1, 2, 100, 4000] {
            let entry = ServiceEntry.sample.with { $0.endpoints = (0..<count).map(endpoint) }
            #expect(entry.endpointBytes == entry.spec["endpoints"]?.bytes.count)
        }
        let wide = ServiceEntry.sample.with { entry in
            entry.ports = [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")]
            entry.endpoints = (0..<4000).map {
                ServiceEntry.Endpoint(
                    address: "10.0.\($0 / 256).\($0 % 256)", ports: ["tcp-dubbo": 20880],
                    labels: ["cell": rack, "rack": rack, "row": rack])
            }
        }
        #expect(
            wide.violations.map(\.description) == [
                "spec.endpoints: they have \(wide.endpointBytes) bytes, and one resource can carry 1048576; split the service "
                    + "by group or version, or keep fewer labels"
            ])
        #expect(wide.with { $0.endpoints.removeLast(1000) }.violations == [])
    }

    @Test("metadata must be Kubernetes's")
    func metadata() {
        expect([
            ("metadata.name", { $0.key.name = "Cart" }), ("metadata.name", { $0.key.name = "" }),
            ("metadata.name", { $0.key.name = String(repeating: "a.", count: 127) }),
            ("metadata.namespace", { $0.key.namespace = "a.b" }),
            ("metadata.labels", { $0.labels = ["a b": "c"] }), ("metadata.labels[a]", { $0.labels = ["a": "-"] }),
            ("metadata.annotations", { $0.annotations["a"] = String(repeating: "b", count: 256 << 10) }),
        ])
    }

    @Test("hosts must be DNS names that don't look like an address")
    func hosts() {
        let tooLong = String(repeating: "a.", count: 127) + "aa"
        for host in [
            "", "*", "a_b", "A", "a..b", "a.", ".a", "a.1", "10.0.0.1", "a.½", String(repeating: "a", count: 64),
            tooLong,
        ] {
            expect([("spec.hosts[0]", { $0.hosts = [host] })])
        }
        expect([("spec.hosts", { $0.hosts = [] }), ("spec.hosts", { $0.hosts = ["a.b", "a.c"] })])
    }

    @Test("ports must be distinct, and of a protocol that istiod knows")
    func ports() {
        expect([
            (
                "spec.ports",
                {
                    $0.ports = []
                    $0.endpoints = []
                }
            ), ("spec.ports[0].number", { $0.ports[0].number = 0 }),
            ("spec.ports[0].protocol", { $0.ports[0].protocol = "dubbo" }),
            (
                "spec.ports[0].name",
                {
                    $0.ports[0].name = "Tcp"; $0.endpoints = []
                }
            ),
            (
                "spec.ports[0].name",
                {
                    $0.ports[0].name = String(repeating: "a", count: 63); $0.endpoints = []
                }
            ),
            ("spec.ports", { $0.ports.append(.init(number: 20880, name: "grpc", protocol: "GRPC")) }),
            ("spec.ports", { $0.ports.append(.init(number: 20881, name: "tcp-dubbo", protocol: "TCP")) }),
        ])
    }

    @Test("endpoints must be addresses with ports of the service")
    func endpoints() {
        let many = (0..<4097).map { ServiceEntry.Endpoint(address: "10.0.\($0 / 256).\($0 % 256)", ports: [:]) }
        expect([
            ("spec.endpoints[0].address", { $0.endpoints[0].address = "shop.example.com" }),
            ("spec.endpoints[0].ports", { $0.endpoints[0].ports = ["other": 1] }),
            ("spec.endpoints[0].ports", { $0.endpoints[0].ports = ["tcp-dubbo": 0] }),
            ("spec.endpoints[0].labels", { $0.endpoints[0].labels = ["a b": "c"] }),
            ("spec.endpoints[0].labels[a]", { $0.endpoints[0].labels = ["a": "é"] }),
            ("spec.endpoints[0].locality", { $0.endpoints[0].locality = String(repeating: "a", count: 2049) }),
            ("spec.endpoints", { $0.endpoints = many }), ("spec.endpoints", { $0.resolution = .none }),
            (
                "spec.endpoints",
                {
                    $0.endpoints = [
                        .init(address: "10.0.0.1", ports: [:], weight: .max), .init(address: "10.0.0.2", ports: [:]),
                    ]
                }
            ),
        ])
    }

    @Test("addresses and exports")
    func others() {
        expect([
            ("spec.addresses[0]", { $0.addresses = ["a"] }), ("spec.addresses[0]", { $0.addresses = ["10.0.0.1/8"] }),
            ("spec.exportTo[0]", { $0.exportTo = ["A"] }), ("spec.exportTo", { $0.exportTo = ["a", "a"] }),
            ("spec.exportTo", { $0.exportTo = ["*", "a"] }), ("spec.exportTo", { $0.exportTo = ["~", "a"] }),
        ])
    }

    @Test("several violations are told in an order of their own")
    func order() {
        let entry = ServiceEntry.sample.with {
            $0.endpoints[0].labels = Dictionary(uniqueKeysWithValues: (0..<20).map { ("bad \($0)", "-") })
            $0.hosts = ["_"]
        }
        let told = entry.violations.map(\.description)
        #expect(told.count == 41)
        #expect(told == told.sorted())
    }

    private func expect(_ cases: [Case], sourceLocation: SourceLocation = #_sourceLocation) {
        for (field, change) in cases {
            #expect(ServiceEntry.sample.with(change).violations.map(\.field) == [field], sourceLocation: sourceLocation)
        }
    }
}
