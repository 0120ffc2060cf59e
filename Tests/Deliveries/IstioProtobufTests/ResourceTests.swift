import IstioAPI
import IstioProtobuf
import JSON
import Protobuf
import Testing

@Suite("Istio's resources as Protocol Buffers")
struct ResourceTests {
    private static let labels = ["b": "2", "a": "1"]
    private static let annotations = ["isthmus.mesh/registries": "zk"]

    private static func entry(
        _ name: String, host: String = "a.mesh", _ change: (inout ServiceEntry) -> Void
    ) -> Resource {
        var entry = ServiceEntry(
            key: ResourceKey(namespace: "dubbo", name: name), labels: labels, annotations: annotations, hosts: [host],
            addresses: [], ports: [.init(number: 80, name: "http", protocol: "HTTP")], endpoints: [])
        change(&entry)
        return .serviceEntry(entry)
    }

    /// The same resources as in `Tests/Fixtures/xds/messages.py`.
    static let resources: [Resource] = [
        entry("service", host: "com.acme.orders.mesh") { entry in
            entry.addresses = ["240.17.3.9"]
            entry.ports = [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")]
            entry.exportTo = ["*"]
            entry.endpoints = [
                .init(
                    address: "10.0.0.9", ports: ["tcp-dubbo": 20881],
                    labels: ["version": "1.2", "empty": "", "service.istio.io/canonical-name": "orders"], weight: 200),
                .init(address: "fd00::9", ports: ["tcp-dubbo": 20880], locality: "east/a/1"),
            ]
        },
        entry("empty") { entry in
            entry.location = .meshExternal
            entry.resolution = .dns
        },
        entry("selecting") { entry in
            entry.resolution = .none
            entry.workloadSelector = ["isthmus.mesh/service": "0123"]
        },
        .workloadEntry(
            WorkloadEntry(
                key: ResourceKey(.workloadEntry, namespace: "dubbo", name: "workload"), labels: labels,
                annotations: annotations,
                endpoint: .init(address: "h.example", ports: ["b": 2, "a": 65535], labels: ["k": "v"], weight: 1))),
        .destinationRule(
            DestinationRule(
                key: ResourceKey(.destinationRule, namespace: "dubbo", name: "rule"), labels: labels,
                annotations: annotations, host: "*.mesh",
                trafficPolicy: .init(
                    outlierDetection: .init(
                        consecutive5xxErrors: 0, consecutiveGatewayErrors: 0, splitsLocalErrors: true,
                        consecutiveLocalFailures: 2, interval: .milliseconds(1500), baseEjectionTime: .seconds(10),
                        maximumEjectionPercent: 50, minimumHealthPercent: 10),
                    usesLocality: false, maximumConnections: 7),
                subsets: [.init(name: "v1", labels: ["version": "1"])], exportTo: ["."])),
    ]

    @Test("the bytes are those that another implementation makes of the JSON form", arguments: resources)
    func otherImplementation(_ resource: Resource) throws {
        let other = try #require(try RecordedMessages.read().objects.first { $0.name == resource.key.name })
        #expect(resource.spec == other.spec)
        #expect(resource.protobuf == other.body)
        var wrapped = MCPResource(resource, created: 1_790_000_000)
        wrapped.version = "7"
        #expect(wrapped.any == other.any)
    }

    @Test("what is written is read back", arguments: resources)
    func roundTrip(_ resource: Resource) throws {
        let wrapped = MCPResource(resource, created: 5)
        let read = try MCPResource(any: wrapped.any[...])
        #expect(read == wrapped)
        #expect(read.resource.spec == resource.spec)
    }

    @Test("the version follows the content, not the time of the making")
    func version() throws {
        let resource = try #require(Self.resources.first)
        #expect(MCPResource(resource, created: 5).version == MCPResource(resource, created: 6).version)
        guard case .serviceEntry(var entry) = resource else { return }
        entry.endpoints[0].weight = 100
        #expect(
            MCPResource(.serviceEntry(entry), created: 5).version != MCPResource(resource, created: 5).version)
        entry.endpoints[0].weight = 200
        entry.labels["c"] = "3"
        #expect(
            MCPResource(.serviceEntry(entry), created: 5).version != MCPResource(resource, created: 5).version)
    }

    @Test("a kind is known in every API version that istiod asks for", arguments: ["v1", "v1alpha3", "v1beta1"])
    func configTypes(_ version: String) {
        #expect(ResourceKind(configType: "networking.istio.io/\(version)/ServiceEntry") == .serviceEntry)
        #expect(ResourceKind(configType: "security.istio.io/\(version)/ServiceEntry") == nil)
        #expect(ResourceKind(configType: "networking.istio.io/\(version)/Gateway") == nil)
        #expect(ResourceKind(configType: "ServiceEntry") == nil)
    }

    @Test("bytes that are cut off anywhere are refused or read in part, and never crash")
    func cutOff() throws {
        for resource in Self.resources {
            let bytes = MCPResource(resource, created: 5).any
            for length in bytes.indices { _ = try? MCPResource(any: bytes[..<length]) }
            #expect(throws: MalformedProtobuf.self) { try MCPResource(any: bytes.dropLast()) }
        }
    }
}
