import Conventions
import IstioAPI
import Nacos
import Services
import Testing

@testable import NacosRegistry

@Suite("services of Nacos in the catalog's words")
struct NacosDecoderTests {
    private static func services(
        _ name: String, group: String = ServiceKey.defaultGroup, namespace: String = "public",
        several: Bool = false, clusters: NacosDecoder.ClusterMeaning = .none, _ instances: [NacosInstance]
    ) -> [String] {
        let decoder = NacosDecoder(
            hasSeveralNamespaces: several, clusterMeaning: clusters, policy: NacosDecoder.policy,
            keptAttributes: ["version", "zone", "region", NacosDecoder.clusterAttribute], hosts: HostRules())
        let info = ServiceInfo(key: ServiceKey(group: group, name: name), instances: instances)
        return decoder.decode(NacosService(namespace: namespace, key: info.key), info).lines.map {
            String($0.dropFirst(2))
        }
    }

    private static func dubbo(_ metadata: [String: String] = [:], weight: Double = 1) -> NacosInstance {
        NacosInstance(
            ip: "10.0.0.1", port: 20880, weight: weight,
            metadata: ["protocol": "dubbo", "interface": "com.acme.Cart", "application": "shop"]
                .merging(metadata) { $1 })
    }

    @Test("the group is a qualifier unless it is the standard one, and Dubbo's own group counts in its place")
    func groups() {
        let instance = NacosInstance(ip: "10.0.0.1", port: 80)
        #expect(Self.services("cart", [instance]) == ["http://cart: 10.0.0.1:80 application=cart"])
        #expect(
            Self.services("cart", group: "blue", [instance]) == ["http://blue/cart: 10.0.0.1:80 application=cart"])
        #expect(
            Self.services("providers:com.acme.Cart:1.0:red", group: "blue", [Self.dubbo()])
                == ["dubbo://red/com.acme.Cart:1.0: 10.0.0.1:20880 application=shop"])
    }

    @Test("the namespace is a qualifier only where several are followed, and public never is one")
    func namespaces() {
        let instance = NacosInstance(ip: "10.0.0.1", port: 80)
        #expect(
            Self.services("cart", namespace: "dev", [instance]) == ["http://cart: 10.0.0.1:80 application=cart"])
        #expect(
            Self.services("cart", namespace: "dev", several: true, [instance])
                == ["http://cart?namespace=dev: 10.0.0.1:80 application=cart"])
        #expect(
            Self.services("cart", several: true, [instance]) == ["http://cart: 10.0.0.1:80 application=cart"])
        #expect(
            Self.services("providers:com.acme.Cart::", namespace: "dev", several: true, [Self.dubbo()])
                == ["dubbo://com.acme.Cart?namespace=dev: 10.0.0.1:20880 application=shop"])
    }

    @Test("a name of Dubbo with all its parts decides about version and group; an older one asks the parameters")
    func names() {
        let parameters = ["version": "2.0", "group": "red"]
        #expect(
            Self.services("providers:com.acme.Cart:1.0:", [Self.dubbo(parameters)])
                == ["dubbo://com.acme.Cart:1.0: 10.0.0.1:20880 application=shop version=2.0"])
        #expect(
            Self.services("providers:com.acme.Cart:2.0", [Self.dubbo(parameters)])
                == ["dubbo://red/com.acme.Cart:2.0: 10.0.0.1:20880 application=shop version=2.0"])
        #expect(
            Self.services("providers:com.acme.Cart:0.0.0:", [Self.dubbo()])
                == ["dubbo://com.acme.Cart: 10.0.0.1:20880 application=shop"])
    }

    @Test(
        "consumers, routers, configurators and Dubbo's own interfaces serve nothing",
        arguments: [
            "consumers:com.acme.Cart::", "routers:com.acme.Cart::", "configurators:com.acme.Cart::",
            "providers:org.apache.dubbo.metadata.MetadataService:1.0.0:shop", "providers:::", "providers:a b::",
        ])
    func uncarried(name: String) {
        #expect(Self.services(name, [Self.dubbo()]) == [])
        #expect(NacosService(key: ServiceKey(name: name)).servedNames == [])
    }

    @Test("Dubbo's weight stands in its parameters, and Nacos' own only takes traffic away")
    func dubboWeights() {
        let id = "dubbo://com.acme.Cart: 10.0.0.1:20880"
        func line(_ parameters: [String: String], weight: Double) -> [String] {
            Self.services("providers:com.acme.Cart::", [Self.dubbo(parameters, weight: weight)])
        }
        #expect(line([:], weight: 1) == ["\(id) application=shop"])
        #expect(line(["weight": "50"], weight: 1) == ["\(id) weight=50 application=shop"])
        #expect(line(["weight": "50"], weight: 50) == ["\(id) weight=50 application=shop"])
        #expect(line([:], weight: 0) == ["\(id) disabled application=shop"])
        #expect(line(["weight": "0"], weight: 1) == ["\(id) disabled application=shop"])
        #expect(line(["disabled": "true"], weight: 1) == ["\(id) disabled application=shop"])
    }

    @Test("a provider without a protocol, with a foreign one or under another interface's name is told of")
    func unusableProviders() {
        func line(_ parameters: [String: String]) -> [String] {
            Self.services("providers:com.acme.Cart::", [Self.dubbo(parameters)])
        }
        #expect(line(["protocol": ""]) == ["unusable: 10.0.0.1:20880: it names no protocol"])
        #expect(
            line(["protocol": "hessian"])
                == ["unusable: 10.0.0.1:20880: the protocol 'hessian' is none of dubbo, tri, rest, grpc"])
        #expect(
            line(["interface": "com.acme.Order"]) == [
                "unusable: 10.0.0.1:20880: it names the interface 'com.acme.Order' but stands under 'com.acme.Cart'"
            ])
    }

    @Test("an instance of a Dubbo application is counted, and one of Spring Cloud with Dubbo serves HTTP")
    func applications() {
        let dubbo = ["dubbo.metadata.revision": "1a", "dubbo.endpoints": "[]"]
        let instance = NacosInstance(ip: "10.0.0.1", port: 80, metadata: dubbo)
        #expect(
            Self.services("shop", [instance]) == ["not carried: 10.0.0.1:80 is registered by application"])
        #expect(
            Self.services("shop", [NacosInstance(ip: "10.0.0.1", port: 80, metadata: ["dubbo.metadata.revision": "0"])])
                == [])
        let spring = dubbo.merging(["preserved.register.source": "SPRING_CLOUD"]) { $1 }
        #expect(
            Self.services("shop", [NacosInstance(ip: "10.0.0.1", port: 80, metadata: spring)])
                == ["http://shop: 10.0.0.1:80 application=shop"])
    }

    @Test("the cluster is a label, and a zone or region where the configuration says so and the metadata says nothing")
    func clusters() {
        func line(_ meaning: NacosDecoder.ClusterMeaning, _ metadata: [String: String] = [:]) -> [String] {
            Self.services(
                "cart", clusters: meaning,
                [NacosInstance(ip: "10.0.0.1", port: 80, cluster: "east", metadata: metadata)])
        }
        let id = "http://cart: 10.0.0.1:80 application=cart"
        #expect(line(.none) == ["\(id) nacos.cluster=east"])
        #expect(line(.zone) == ["\(id) locality=/east nacos.cluster=east zone=east"])
        #expect(line(.region) == ["\(id) locality=east/ nacos.cluster=east region=east"])
        #expect(line(.zone, ["zone": "z1"]) == ["\(id) locality=/z1 nacos.cluster=east zone=z1"])
        #expect(Self.services("cart", clusters: .zone, [NacosInstance(ip: "10.0.0.1", port: 80)]) == [id])
    }

    @Test("instances that can't be read keep a service from looking empty")
    func unreadable() {
        let info = ServiceInfo(key: ServiceKey(name: "cart"), unreadableInstances: 2)
        let reading = NacosDecoder.standard.decode(NacosService(key: info.key), info)
        #expect(reading.isUnusable)
        #expect(reading.unusable.count == 2)
    }
}
