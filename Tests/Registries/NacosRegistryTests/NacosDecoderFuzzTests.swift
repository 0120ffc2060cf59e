import Addressing
import IsthmusTesting
import Nacos
import Services
import Testing

@testable import NacosRegistry

@Suite("mutated answers of Nacos")
struct NacosDecoderFuzzTests {
    private static let names = [
        "cart", "cart.grpc", "cart.http", ".grpc", "providers:com.acme.Cart:1.0.0:blue", "providers:com.acme.Cart::",
        "providers:com.acme.Cart", "providers::", "consumers:com.acme.Cart::", "a b", "é", "x@@y", "?&=/:",
    ]
    private static let keys = [
        "protocol", "kind", "secure", "gRPC_port", "management.port", "preserved.register.source", "weight", "version",
        "group", "interface", "category", "side", "disabled", "ext.protocol", "ipv6", "dubbo.metadata.revision",
        "zone", "region", "nacos.cluster", "application", "default.weight",
    ]
    private static let values = [
        "", "http", "grpc", "dubbo", "tri", "tri,dubbo", "true", "false", "0", "-1", "80", "65536", "1e9", "NaN",
        "SPRING_CLOUD", "consumer", "providers", "é\u{301}", "\n", "%2F", "com.acme.Cart", "1.0.0", "::1",
        String(repeating: "x", count: 300),
    ]
    private static let hosts = [
        "10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "127.0.0.1", "0.0.0.0", "cart-1.acme.internal", "localhost", "a b",
        "user@10.0.0.1", "[::1]", "10.0.0.1:80", "",
    ]

    @Test(
        "whatever a registry says, the reading is sound, and each instance is accounted for",
        arguments: SeededGenerator.seeds(16))
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let decoder = NacosDecoder(
            hasSeveralNamespaces: Bool.random(using: &random),
            clusterMeaning: NacosDecoder.ClusterMeaning.allCases.randomElement(using: &random)!,
            policy: NacosDecoder.policy, keptAttributes: ["version", "zone", NacosDecoder.clusterAttribute],
            hosts: HostRules())
        for _ in 0..<500 {
            let key = ServiceKey(
                group: ["DEFAULT_GROUP", "blue", "é"].randomElement(using: &random)!,
                name: Self.names.randomElement(using: &random)!)
            let service = NacosService(namespace: Bool.random(using: &random) ? "public" : "dev", key: key)
            let instances = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                NacosInstance(
                    ip: Self.hosts.randomElement(using: &random)!,
                    port: [-1, 0, 80, 65_535, 65_536, .max].randomElement(using: &random)!,
                    cluster: ["DEFAULT", "", "east"].randomElement(using: &random)!,
                    weight: [0, 1, 0.001, 100, -1, .infinity, .nan, 1e300].randomElement(using: &random)!,
                    isHealthy: Bool.random(using: &random), isEnabled: Bool.random(using: &random),
                    metadata: Dictionary(
                        (0..<Int.random(in: 0...5, using: &random)).map { _ in
                            (Self.keys.randomElement(using: &random)!, Self.values.randomElement(using: &random)!)
                        }, uniquingKeysWith: { $1 }))
            }
            let info = ServiceInfo(key: key, instances: instances)
            let reading = decoder.decode(service, info)
            for (id, instances) in reading.services {
                #expect(ServiceID(id.description) == id, "\(info)")
                #expect(service.servedNames.contains(id.name), "\(info)")
                for instance in instances.values {
                    #expect(instance.port > 0, "\(info)")
                    #expect(instance.weight > 0 || !instance.isEnabled, "\(info)")
                    if case .address(let address) = instance.host {
                        #expect(!address.isUnspecified && !address.isLoopback, "\(info)")
                    }
                }
            }
            #expect(reading.unusable.allSatisfy { !$0.reason.isEmpty && $0.reason.utf8.count < 1000 }, "\(info)")
            #expect(reading == decoder.decode(service, info), "decoding is a function of the answer")
            let carried = reading.services.values.reduce(0) { $0 + $1.count }
            #expect(carried + reading.unusable.count + reading.applicationInstances.count <= 4 * instances.count)
        }
    }
}
