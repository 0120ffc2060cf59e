import Conventions
import IsthmusTesting
import Services
import Testing

@testable import Consul
@testable import ConsulRegistry

@Suite("instances of Consul")
struct ConsulDecoderTests {
    private static let cart = ConsulService(scope: ConsulScope(), name: "cart")

    private static func lines(
        _ instance: ConsulInstance, _ service: ConsulService = cart, _ rules: ConsulDecoder.Rules = .init()
    ) -> [String] {
        ConsulDecoder.decoder(rules).decode(service, ConsulInstances([instance])).lines.map {
            String($0.drop { $0 == " " })
        }
    }

    @Test("each named port is a service of its own, of the protocol that its name says")
    func ports() {
        var instance = FakeConsul.instance(of: "cart", "10.0.0.1", 0)
        instance.datacenter = ""
        instance.ports = [
            .init(name: "http", port: 8080, isDefault: true), .init(name: "grpc", port: 9090, isDefault: false),
            .init(name: "metrics", port: 9100, isDefault: false),
        ]
        let endpoints = ConsulDecoder.standard.decode(Self.cart, ConsulInstances([instance])).services
            .map { "\($0.key.protocol) \($0.key["port"] ?? "-") \($0.value.values.map(\.port))" }
        #expect(Set(endpoints) == ["http - [8080]", "grpc grpc [9090]", "http metrics [9100]"])
        instance.ports = [.init(name: "grpc", port: 9090, isDefault: true)]
        #expect(Self.lines(instance) == ["grpc://cart: 10.0.0.1:9090"])
        instance.metadata = ["protocol": "http2"]
        #expect(Self.lines(instance) == ["http2://cart: 10.0.0.1:9090"])
    }

    @Test("a tagged address is used where there is one")
    func taggedAddress() {
        var instance = FakeConsul.instance(of: "cart", "10.0.0.1")
        instance.datacenter = ""
        instance.taggedAddresses = ["wan": .init(address: "198.51.100.1", port: 8080)]
        var rules = ConsulDecoder.Rules()
        rules.taggedAddress = "wan"
        #expect(Self.lines(instance, Self.cart, rules) == ["http://cart: 198.51.100.1:8080"])
        rules.taggedAddress = "other"
        #expect(Self.lines(instance, Self.cart, rules) == ["http://cart: 10.0.0.1:80"])
    }

    @Test("weights follow the state, and a warning can be refused")
    func weights() {
        var instance = FakeConsul.instance(of: "cart", "10.0.0.1")
        instance.datacenter = ""
        instance.passingWeight = 3
        instance.warningWeight = 2
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:80 weight=300"])
        instance.status = .warning
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:80 weight=200"])
        var rules = ConsulDecoder.Rules()
        rules.servesWarning = false
        #expect(Self.lines(instance, Self.cart, rules) == ["http://cart: 10.0.0.1:80 weight=200 unhealthy"])
        instance.status = .maintenance
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:80 weight=300 disabled"])
    }

    @Test("tags with a value are metadata, and others are attributes; metadata of that name counts more")
    func tags() {
        var instance = FakeConsul.instance(of: "cart", "10.0.0.1")
        instance.tags = ["version=1", "blue", "green", "zone=z1"]
        instance.metadata = ["version": "2"]
        var rules = ConsulDecoder.Rules()
        rules.datacenterMeaning = .region
        #expect(
            Self.lines(instance, Self.cart, rules) == [
                "http://cart: 10.0.0.1:80 locality=dc1/z1 consul.datacenter=dc1 consul.tag.blue=true region=dc1 "
                    + "version=2 zone=z1"
            ])
    }

    @Test("an instance that Dubbo 2.7 registered is the same service as in ZooKeeper")
    func dubbo() {
        var instance = FakeConsul.instance(of: "com.acme.Orders", "10.0.0.1", 20880)
        instance.tags = ["dubbo", "group=blue"]
        instance.metadata = [
            "url":
                "dubbo://10.0.0.1:20880/com.acme.Orders?application=shop&group=blue&version=1.0.0&interface=com.acme.Orders"
        ]
        let service = ConsulService(scope: ConsulScope(), name: "com.acme.Orders")
        let lines = Self.lines(instance, service)
        #expect(lines.count == 1 && lines[0].hasPrefix("dubbo://blue/com.acme.Orders:1.0.0: 10.0.0.1:20880"))
    }

    @Test("whatever a registry says, the reading is sound", arguments: SeededGenerator.seeds(16))
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let hosts = [
            "10.0.0.1", "fd00::1", "cart-1.acme", "", "0.0.0.0", "a b", "grpc://10.0.0.1:9000?x", "://", "x://",
        ]
        let texts = ["", "http", "grpc", "a=b", "=", "dubbo", "management", "é\u{301}", "\n", "true", "80", "x://y"]
        let keys = ["protocol", "secure", "weight", "url", "version", "gRPC_port", "management.port", "region"]
        func any<Value>(_ values: [Value]) -> Value { values.randomElement(using: &random)! }
        for _ in 0..<300 {
            let name = any(["cart", "cart-management", "com.acme.Orders", "a/b", "é", "cart.grpc"])
            var instance = ConsulInstance(id: any(texts), service: name, node: any(texts), datacenter: any(texts))
            instance.ownAddress = any(hosts)
            instance.nodeAddress = any(hosts)
            instance.port = any([-1, 0, 80, 65_535, 65_536, .max])
            instance.ports = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                .init(name: any(texts), port: any([1, 80, .max]), isDefault: Bool.random(using: &random))
            }
            instance.tags = [any(texts), any(texts)]
            instance.metadata = Dictionary([(any(keys), any(texts)), (any(keys), any(texts))]) { $1 }
            instance.passingWeight = any([0, 1, -1, .max, .min])
            if Bool.random(using: &random) {
                instance.taggedAddresses = ["x": .init(address: any(hosts), port: any([0, 80]))]
            }
            let service = ConsulService(scope: ConsulScope(), name: name)
            let reading = ConsulDecoder.standard.decode(service, ConsulInstances([instance]))
            for (id, instances) in reading.services {
                #expect(ServiceID(id.description) == id, "\(instance)")
                #expect(instances.values.allSatisfy { $0.port > 0 })
            }
        }
    }
}
