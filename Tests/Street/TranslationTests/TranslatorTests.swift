import Addressing
import IstioAPI
import Services
import Testing
import Translation

@Suite("from services to ServiceEntries")
struct TranslatorTests {
    private let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
    private var assignments = Assignments()

    @Test("one Dubbo provider becomes one mesh-internal ServiceEntry with an address of its own")
    mutating func example() throws {
        let service = Service(
            "org.apache.dubbo.demo.DemoService", [.sample(9, port: 20881, application: "demo-provider")])
        let outcome = translator.translate(service, &assignments, now: .zero)
        let entry = try #require(outcome.resource)
        #expect(outcome.problem == nil)
        #expect(entry.key == ResourceKey(namespace: "dubbo", name: "org.apache.dubbo.demo.demoservice"))
        #expect(entry.hosts == ["org.apache.dubbo.demo.demoservice.mesh"])
        #expect(entry.labels == ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"])
        #expect(
            entry.annotations == [
                "isthmus.mesh/registries": "zk", "isthmus.mesh/service": "dubbo://org.apache.dubbo.demo.DemoService",
            ])
        #expect(entry.ports == [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")])
        #expect(entry.location == .meshInternal && entry.resolution == .static && entry.exportTo == [])
        #expect(
            entry.endpoints == [
                .init(
                    address: "10.0.0.9", ports: ["tcp-dubbo": 20881],
                    labels: ["service.istio.io/canonical-name": "demo-provider"])
            ])
        let address = try #require(entry.addresses.first.flatMap { IPAddress($0) })
        #expect(entry.addresses.count == 1 && TranslationPolicy.defaultBlock.contains(address))
    }

    @Test("each protocol has a host, an address and an object of its own, with one port")
    mutating func protocols() {
        let services = [
            Service("a.B", [.sample(1), .sample(3)]), Service("a.B", protocol: .tri, [.sample(2, port: 50052)]),
        ]
        let resources = translator.resources(services, &assignments)
        #expect(resources.map(\.key.name) == ["a.b", "a.b.p-tri"])
        #expect(resources.map(\.hosts) == [["a.b.mesh"], ["a.b.p-tri.mesh"]])
        #expect(Set(resources.flatMap(\.addresses)).count == 2)
        #expect(resources.map { $0.ports.map(\.name) } == [["tcp-dubbo"], ["grpc-tri"]])
        #expect(resources.map { $0.endpoints.map(\.address) } == [["10.0.0.1", "10.0.0.3"], ["10.0.0.2"]])
        #expect(resources[1].endpoints.map(\.ports) == [["grpc-tri": 50052]])
    }

    @Test("a service of a protocol that this release doesn't know is a problem")
    mutating func unknownProtocol() {
        let service = Service("a.B", protocol: PortProtocol("udp", .tcp), [.sample(1)])
        let outcome = translator.translate(service, &assignments, now: .zero)
        #expect(outcome.resource == nil && outcome.problem?.contains("'udp'") == true)
    }

    @Test("names are resolved, and carried together with addresses; an empty service doesn't dial its own name")
    mutating func names() {
        var named = Instance.sample(1)
        named.host = .name("node7.example.com")
        func entry(_ instances: [Instance]) -> ServiceEntry? {
            translator.translate(Service("a.B", instances), &assignments, now: .zero).resource
        }
        for instances in [[named], [.sample(2), named]] {
            let entry = entry(instances)
            #expect(entry?.resolution == .dns)
            #expect(entry?.endpoints.map(\.address) == instances.map { "\($0.host)" })
        }
        #expect(entry([])?.resolution == .static && entry([])?.endpoints == [])
    }

    @Test("a service that was never seen with an enabled instance makes no object")
    mutating func neverEnabled() {
        let services = [Service("a.B", []), Service("a.C", [.sample(1, isEnabled: false)])]
        #expect(translator.resources(services, &assignments) == [])
        #expect(assignments.count == 0)
    }

    @Test("a service that loses all instances keeps its object, without endpoints")
    mutating func empty() {
        let before = translator.resources([Service("a.B", [.sample(1)])], &assignments)
        for gone in [Service("a.B", []), Service("a.B", [.sample(1, isEnabled: false)])] {
            let after = translator.resources([gone], &assignments)
            var expected = before
            expected[0].endpoints = []
            #expect(after == expected)
        }
    }

    @Test("weights are written only where one differs from the default, and their sum stays below Envoy's limit")
    mutating func weights() {
        let equal = translator.resources([Service("a.B", [.sample(1), .sample(2)])], &assignments)
        #expect(equal[0].endpoints.map(\.weight) == [nil, nil])
        let differing = translator.resources([Service("a.B", [.sample(1), .sample(2, weight: .max)])], &assignments)
        #expect(differing[0].endpoints.map(\.weight) == [100, 1_000_000])
    }

    @Test("kept attributes become labels and locality, cleaned; others don't")
    mutating func labels() {
        let attributes = [
            "version": "1.0 (beta)", "region": "eu/west", "zone": "a", "token": "secret", "dubbo.tag": "---",
        ]
        let instance = Instance.sample(1, application: "Shop App!", attributes: attributes)
        let endpoint = translator.resources([Service("a.B", [instance])], &assignments)[0].endpoints[0]
        #expect(
            endpoint.labels == [
                "service.istio.io/canonical-name": "Shop-App", "version": "1.0--beta", "region": "eu-west", "zone": "a",
            ])
        #expect(endpoint.locality == "eu-west/a")
    }

    @Test(
        "an instance that is unhealthy, disabled or of weight 0 gets no traffic",
        arguments: [(true, false, 100), (false, true, 100), (true, true, 0)] as [(Bool, Bool, UInt32)])
    mutating func unwanted(isEnabled: Bool, isHealthy: Bool, weight: UInt32) {
        var instance = Instance.sample(1, weight: weight, isEnabled: isEnabled)
        instance.isHealthy = isHealthy
        #expect(translator.resources([Service("a.B", [instance])], &assignments) == [])
        let endpoints = translator.resources([Service("a.B", [instance, .sample(2)])], &assignments)[0].endpoints
        #expect(endpoints.map(\.address) == ["10.0.0.2"])
    }

    @Test(
        "a locality is written up to its first unknown part, cleaned",
        arguments: [
            (Locality(region: "eu", zone: "a", subzone: "r/7"), "eu/a/r-7"),
            (Locality(region: "eu", zone: "a"), "eu/a"),
            (Locality(region: "eu", subzone: "r7"), "eu"), (Locality(zone: "a"), ""), (.unknown, ""),
        ] as [(Locality, String)])
    mutating func locality(locality: Locality, text: String) {
        var instance = Instance.sample(1)
        instance.locality = locality
        #expect(translator.resources([Service("a.B", [instance])], &assignments)[0].endpoints[0].locality == text)
    }

    @Test("a resource that istiod would refuse is a problem of its own service only")
    mutating func violation() {
        let tooMany = (0..<4097).map { Instance.sample(UInt8($0 % 256), port: UInt16($0 / 256 + 1)) }
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", endpoints: .inline))
        let outcome = translator.translate(Service("a.B", tooMany), &assignments, now: .zero)
        #expect(outcome.resource == nil && outcome.problem?.contains("4097") == true)
    }
}
