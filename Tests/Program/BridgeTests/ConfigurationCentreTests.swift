import IstioAPI
import Publishing
import Settings
import Testing

@testable import Bridge

@Suite("The section 'configurations'")
struct ConfigurationCentreTests {
    private static func read(_ centres: String, translation: String = "namespace: dubbo") throws -> BridgeConfiguration
    {
        try BridgeConfiguration(
            yaml: """
                registries: [{ name: zk, zookeeper: { servers: ["127.0.0.1:2181"] } }]
                translation: { \(translation) }
                delivery: { directory: { path: out } }
                configurations: \(centres)
                """, file: "isthmus.yaml")
    }

    private static let nacos = "nacos: { servers: [\"127.0.0.1:8848\"], group: MESH, dataIds: [\"*.yaml\"] }"

    @Test("nothing is published unless it is switched on")
    func off() throws {
        let configuration = try BridgeConfiguration(
            yaml: """
                registries: [{ name: zk, zookeeper: { servers: ["127.0.0.1:2181"] } }]
                delivery: { directory: { path: out } }
                """, file: "isthmus.yaml")
        #expect(configuration.configurations.isEmpty)
    }

    @Test("both kinds are read, and what is left out is narrow")
    func kinds() throws {
        let zooKeeper = "zookeeper: { servers: [\"127.0.0.1:2181\"], path: /mesh }"
        let configuration = try Self.read(
            "[{ name: a, \(Self.nacos), istio: { namespaces: [shop] } }, "
                + "{ name: b, \(zooKeeper), istio: { namespaces: [x], kinds: [EnvoyFilter], hosts: [\"*.x\"], "
                + "gateways: [x/y] } }]")
        let (first, second) = (configuration.configurations[0].policy, configuration.configurations[1].policy)
        #expect(first.namespaces == ["shop"] && first.hosts == ["*.mesh"] && first.gateways.isEmpty)
        #expect(first.kinds == [.destinationRule, .serviceEntry, .sidecar, .virtualService])
        #expect(second.kinds == [.envoyFilter] && second.hosts == ["*.x"] && second.gateways == ["x/y"])
        #expect(configuration.configurations.map(\.name) == ["a", "b"])
    }

    @Test(
        "what can't be meant is an error that names the place",
        arguments: [
            "[{ \(nacos), istio: { namespaces: [shop] } }]", "[{ name: A/b, \(nacos), istio: { namespaces: [shop] } }]",
            "[{ name: zk, \(nacos), istio: { namespaces: [shop] } }]", "[{ name: a, istio: { namespaces: [shop] } }]",
            "[{ name: a, \(nacos) }]", "[{ name: a, \(nacos), istio: { namespaces: [] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [Shop] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [shop], kinds: [Secret] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [shop], kinds: [WorkloadEntry] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [shop], hosts: [\"*\"] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [shop], hosts: [\"a.*.b\"] } }]",
            "[{ name: a, \(nacos), istio: { namespaces: [shop], host: [a] } }]",
            "[{ name: a, zookeeper: { servers: [\"127.0.0.1:2181\"], path: mesh }, istio: { namespaces: [shop] } }]",
        ])
    func refused(centres: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(centres) }
        #expect(error?.place.hasPrefix("isthmus.yaml") == true)
    }
}
