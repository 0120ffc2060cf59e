import Addressing
import Catalog
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Testing
import Translation

@Suite("reading services back from objects")
struct OwnedServiceTests {
    @Test(
        "translating what was read from the objects gives the same objects again",
        arguments: SeededGenerator.seeds(8))
    func inverse(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
        for _ in 0..<50 {
            let id = ServiceID(
                name: "a.Cart", protocol: PortProtocol.samples.randomElement(using: &random)!,
                group: ["", "blue"].randomElement(using: &random)!)
            let instances = (0..<Int.random(in: 0...5, using: &random)).map { _ in Self.instance(&random) }
            var assignments = Assignments()
            let service = Service(
                id: id, instances: Self.distinct(instances), registries: ["zk", "nacos"])
            let written = translator.resources([service], &assignments)
            let known = translator.services(in: written.map(Self.object)).map(\.seed)
            #expect(known.count == written.count)
            var restored = translator.assignments(readBackFrom: written)
            let seeded = Service(
                id: id, instances: Self.distinct(known.flatMap(\.instances)), registries: known.first?.registries ?? [])
            #expect(translator.resources([seeded], &restored) == written)
        }
    }

    @Test("what must survive a restart is read back from what was written", arguments: SeededGenerator.seeds(8))
    func survival(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for form in TranslationPolicy.EndpointPolicy.allCases + [.auto] {
            let policy = TranslationPolicy(
                namespace: "dubbo", endpoints: form,
                inlineLimit: .init(endpoints: Int.random(in: 1...4, using: &random)))
            let translator = Translator(policy: policy)
            let id = ServiceID.nasty(using: &random)
            let instances = Self.distinct((0..<8).map { _ in Self.legible(&random) })
            var announcers = EndpointAnnouncers()
            for instance in instances where Bool.random(using: &random) {
                announcers[instance.endpoint] = [["zk"], ["nacos"], ["zk", "consul"]].randomElement(using: &random)
            }
            let service = Service(
                id: id, instances: instances, registries: ["zk", "nacos", "consul"], announcers: announcers)
            var assignments = Assignments()
            let written = translator.resources([service], &assignments)
            let known = translator.services(in: written.flatMap(Self.objects))
            #expect(translator.assignments(readBackFrom: written) == assignments)
            #expect(known.map(\.id) == [id] && Self.distinct(known[0].instances) == instances)
            #expect(known[0].seed.announcers == announcers && known[0].seed.registries == service.registries)
            #expect(written.allSatisfy { $0.violations.isEmpty })
        }
    }

    @Test("who announces what is said by an annotation, or by each WorkloadEntry")
    func announcers() throws {
        let endpoints = (UInt32(1)...3).map { Endpoint(host: .address(.v4(0x0A00_0000 | $0)), port: 20880) }
        var announcers = EndpointAnnouncers()
        announcers[endpoints[0]] = ["zk"]
        announcers[endpoints[2]] = ["nacos"]
        let service = Service(
            id: ServiceID(name: "a.Cart", protocol: .dubbo),
            instances: endpoints.map { Instance(host: $0.host, port: $0.port) }, registries: ["zk", "nacos"],
            announcers: announcers)
        var assignments = Assignments()
        let inline = try #require(
            Translator(policy: TranslationPolicy(namespace: "dubbo")).resources([service], &assignments).first)
        #expect(
            inline.annotations["isthmus.mesh/announcers"]
                == #"{"nacos":"10.0.0.3:20880","zk":"10.0.0.1:20880"}"#)
        assignments = Assignments()
        let policy = TranslationPolicy(namespace: "dubbo", endpoints: .workloadEntry)
        let entry = try #require(Translator(policy: policy).resources([service], &assignments).first)
        #expect(entry.annotations["isthmus.mesh/announcers"] == nil)
        #expect(
            entry.endpoints.map { entry.workload(of: $0).annotations["isthmus.mesh/registries"] }
                == ["zk", "zk,nacos", "nacos"])
    }

    @Test("a registry that only a WorkloadEntry names has left the service, whatever the order of the objects")
    func leftRegistry() throws {
        let endpoints = (UInt32(1)...2).map { Endpoint(host: .address(.v4(0x0A00_0000 | $0)), port: 20880) }
        let service = Service(
            id: ServiceID(name: "a.Cart", protocol: .dubbo),
            instances: endpoints.map { Instance(host: $0.host, port: $0.port) }, registries: ["zk"],
            announcers: EndpointAnnouncers())
        var assignments = Assignments()
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", endpoints: .workloadEntry))
        var objects = try #require(translator.resources([service], &assignments).first.map(Self.objects))
        objects[2].annotations[OwnerMark.registries] = "zk,nacos"
        for objects in [objects, [objects[0], objects[2], objects[1]]] {
            let seed = try #require(translator.services(in: objects).first?.seed)
            #expect(seed.registries == ["zk"] && seed.announcers == EndpointAnnouncers())
        }
    }

    @Test("so many announcers that they don't fit into an annotation are not named: then all may announce everything")
    func tooMany() throws {
        let instances = (UInt32(1)...4000).map { Instance(host: .address(.v4(0x0A00_0000 | $0)), port: 20880) }
        var announcers = EndpointAnnouncers()
        for instance in instances { announcers[instance.endpoint] = ["zk"] }
        let service = Service(
            id: ServiceID(name: "a.Cart", protocol: .dubbo), instances: instances, registries: ["zk", "nacos"],
            announcers: announcers)
        var assignments = Assignments()
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", endpoints: .inline))
        let entry = try #require(translator.resources([service], &assignments).first)
        #expect(entry.annotations["isthmus.mesh/announcers"] == nil)
        #expect(translator.services(in: [Self.object(entry)]).first?.seed.announcers == EndpointAnnouncers())
    }

    @Test("objects of an earlier release are read")
    func earlierRelease() throws {
        let object = OwnedObject(
            key: ResourceKey(namespace: "dubbo", name: "com.acme.orders.g-blue.v-1-2-0"),
            annotations: [
                "isthmus.mesh/protocol": "dubbo", "isthmus.mesh/registries": "zk-main,nacos",
                "isthmus.mesh/service": "blue/com.acme.Orders:1.2.0",
            ],
            spec: [
                "addresses": ["240.30.104.6"],
                "endpoints": [
                    [
                        "address": "10.1.0.1",
                        "labels": ["region": "eu-west", "service.istio.io/canonical-name": "shop"],
                        "locality": "eu-west/a", "ports": ["tcp-dubbo": 20881], "weight": 200,
                    ]
                ],
            ])
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
        let service = try #require(translator.services(in: [object]).first)
        #expect(service.id == ServiceID(name: "com.acme.Orders", protocol: .dubbo, group: "blue", version: "1.2.0"))
        var assignments = Assignments()
        translator.seed(&assignments, from: service)
        let assignment = try #require(assignments[service.id])
        #expect(assignment.registries == ["zk-main", "nacos"] && assignment.form == .inline)
        #expect(assignment.address == IPAddress("240.30.104.6"))
        #expect(
            service.instances == [
                Instance(
                    host: .address(.v4(0x0A01_0001)), port: 20881, weight: 200, application: "shop",
                    attributes: [.init(key: "region", value: "eu-west")],
                    locality: Locality(region: "eu-west", zone: "a"))
            ])
    }

    @Test("an object without our annotations, or of a protocol that nobody knows, says nothing")
    func strange() {
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
        let key = ResourceKey(namespace: "dubbo", name: "a.b")
        for annotations in [
            [:], ["isthmus.mesh/service": "a.B"], ["isthmus.mesh/service": "udp://a.B"],
            ["isthmus.mesh/service": "a.B", "isthmus.mesh/protocol": "udp"],
            ["isthmus.mesh/service": "a/b/c", "isthmus.mesh/protocol": "dubbo"],
        ] {
            #expect(translator.services(in: [OwnedObject(key: key, annotations: annotations, spec: [:])]).isEmpty)
        }
    }

    /// The entry as a delivery holds it, with its WorkloadEntries.
    private static func objects(_ entry: ServiceEntry) -> [OwnedObject] {
        let workloads = entry.isInline ? [] : entry.endpoints.map { entry.workload(of: $0) }
        return [object(entry)]
            + workloads.map { OwnedObject(key: $0.key, annotations: $0.annotations, spec: $0.spec) }
    }

    /// An instance of which nothing has to be cleaned or left out.
    private static func legible(_ random: inout SeededGenerator) -> Instance {
        var instance = instance(&random)
        instance.application = ["", "shop"].randomElement(using: &random)!
        instance.attributes = instance.attributes.map { .init(key: $0.key, value: "1.0") }
        instance.locality = [
            .unknown, Locality(region: "eu"), Locality(region: "eu", zone: "a"),
            Locality(region: "eu", zone: "a", subzone: "r7"),
        ].randomElement(using: &random)!
        return instance
    }

    private static func object(_ entry: ServiceEntry) -> OwnedObject {
        OwnedObject(key: entry.key, annotations: entry.annotations, spec: entry.spec)
    }

    private static func distinct(_ instances: [Instance]) -> [Instance] {
        Dictionary(instances.map { ($0.endpoint, $0) }) { first, _ in first }.values.sorted {
            $0.endpoint < $1.endpoint
        }
    }

    private static func instance(_ random: inout SeededGenerator) -> Instance {
        let attributes = ["region", "version", "zone"].filter { _ in Bool.random(using: &random) }.map {
            Instance.Attribute(key: $0, value: ["eu 1", "1.0.0", "x", "_"].randomElement(using: &random)!)
        }
        let v6 = IPAddress.v6(IPv6Bits(UInt128.random(in: 1...9, using: &random) + (0x2001_0db8 << 96)))
        let v4 = IPAddress.v4(.random(in: 0x0A00_0001...0x0A00_0009, using: &random))
        return Instance(
            host: .address(Bool.random(using: &random) ? v4 : v6), port: .random(in: 1...65535, using: &random),
            weight: [1, 100, 200].randomElement(using: &random)!,
            application: ["", "shop", "a b/c", "-"].randomElement(using: &random)!,
            attributes: attributes, locality: Locality(attributes: attributes))
    }
}
