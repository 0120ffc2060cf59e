internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import Testing

/// Resources that must never be sent: our own check, which stands before every write, agrees with Istio's schema and CEL rules.
@Suite("Refused resources", .realServers, .timeLimit(.minutes(5)))
struct RefusedResourceTests {
    private typealias Change = @Sendable (inout ServiceEntry) -> Void

    private static let changes: [(name: String, change: Change)] = [
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

    private static func entry(_ name: String, _ change: Change = { _ in }) -> ServiceEntry {
        var entry = ServiceEntry(
            key: ResourceKey(namespace: "dubbo", name: name), labels: [:], annotations: [:], hosts: ["orders"],
            addresses: ["240.16.0.1"], ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            endpoints: [endpoint("10.0.0.1")])
        change(&entry)
        return entry
    }

    @Test("what Istio's definitions refuse is refused before it is sent, and what is sent they take")
    func refused() async throws {
        let bad = Self.changes.map { Self.entry($0.name, $0.change) }
        let good = [
            Self.entry("good"),
            Self.entry("good-without-endpoints") { $0.endpoints = [] },
            Self.entry("good-with-62-bytes") { entry in
                let name = String(repeating: "n", count: 62)
                entry.ports[0].name = name
                entry.endpoints[0].ports = [name: 20880]
            },
        ]
        let largest = Self.entry("largest") { entry in
            entry.endpoints = (0..<4096).map { Self.endpoint("10.0.\($0 >> 8).\($0 & 255)") }
        }
        // Checking so many endpoints by CEL takes long, and the schema's own limit is refused above.
        #expect(largest.violations.isEmpty)
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
