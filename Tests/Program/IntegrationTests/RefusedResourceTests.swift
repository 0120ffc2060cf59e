internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import Testing

/// Resources that must never be sent: our own check, which stands before every write, agrees with Istio's schema and
/// CEL rules.
@Suite("Refused resources", .realServers, .timeLimit(.minutes(5)))
struct RefusedResourceTests {
    /// A ServiceEntry that is good but for one change.
    struct Sample: Sendable, CustomTestStringConvertible {
        var name: String
        var isGood = true
        var change: @Sendable (inout ServiceEntry) -> Void = { _ in }

        var testDescription: String { name }

        func entry(in namespace: String = "dubbo") -> ServiceEntry {
            var entry = ServiceEntry(
                key: ResourceKey(namespace: namespace, name: name), labels: [:], annotations: [:], hosts: [name],
                addresses: ["240.16.0.1"], ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
                endpoints: [endpoint("10.0.0.1")])
            change(&entry)
            return entry
        }
    }

    static let samples = bad.map { Sample(name: $0.name, isGood: false, change: $0.change) } + good

    private static let good = [
        Sample(name: "good"),
        Sample(name: "good-without-endpoints") { $0.endpoints = [] },
        Sample(name: "good-with-62-bytes") { entry in
            let name = String(repeating: "n", count: 62)
            entry.ports[0].name = name
            entry.endpoints[0].ports = [name: 20880]
        },
    ]

    private static let bad: [(name: String, change: @Sendable (inout ServiceEntry) -> Void)] = [
        (
            "too-many-endpoints",
            { $0.endpoints = (0...4096).map { endpoint("10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255)") } }
        ),
        ("no-host", { $0.hosts = [] }),
        ("too-many-hosts", { $0.hosts = (0...256).map { "host-\($0).example" } }),
        ("wildcard-host", { $0.hosts = ["*"] }),
        ("port-zero", { $0.ports[0].number = 0 }),
        ("same-port-twice", { $0.ports.append(.init(number: 20880, name: "other", protocol: "TCP")) }),
        (
            "too-many-ports",
            { entry in
                entry.ports = (1...257).map { .init(number: UInt16($0), name: "port-\($0)", protocol: "HTTP") }
                entry.endpoints = []
            }
        ),
        (
            "long-port-name",
            { entry in
                let name = String(repeating: "n", count: 63)
                entry.ports[0].name = name
                entry.endpoints[0].ports = [name: 20880]
            }
        ),
        ("endpoint-port-zero", { $0.endpoints[0].ports = ["tcp-dubbo": 0] }),
        ("endpoints-without-resolution", { $0.resolution = .none }),
        ("long-locality", { $0.endpoints[0].locality = String(repeating: "l", count: 2049) }),
    ]

    private static func endpoint(_ address: String) -> ServiceEntry.Endpoint {
        ServiceEntry.Endpoint(address: address, ports: ["tcp-dubbo": 20880])
    }

    @Test("what Istio's definitions refuse is refused before it is sent, and what is sent they take")
    func refused() async throws {
        let bad = Self.samples.filter { !$0.isGood }.map { $0.entry() }
        let good = Self.good.map { $0.entry() }
        let largest = Sample(name: "largest") { entry in
            entry.endpoints = (0..<4096).map { Self.endpoint("10.0.\($0 >> 8).\($0 & 255)") }
        }
        // Checking so many endpoints by CEL takes long, and the schema's own limit is refused above.
        #expect(largest.entry().violations.isEmpty)
        let documents = (bad + good).map { "---\n" + $0.json(version: "v1").yaml }.joined()
        let violations = try await IstioSchema.violations(in: documents)
        for entry in bad {
            #expect(!entry.violations.isEmpty, "our check takes \(entry.key.name)")
            let isRefused = violations.contains { $0.hasPrefix("ServiceEntry \(entry.key.name):") }
            #expect(isRefused, "the schema takes \(entry.key.name)")
        }
        for entry in good {
            #expect(entry.violations.isEmpty)
            #expect(!violations.contains { $0.hasPrefix("ServiceEntry \(entry.key.name):") })
        }
    }
}
