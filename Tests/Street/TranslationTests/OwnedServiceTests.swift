import Addressing
import IsthmusTesting
import IstioAPI
import Services
import Testing
import Translation

@Suite("what an object says of its service")
struct OwnedServiceTests {
    @Test(
        "translating what was read from the objects gives the same objects again",
        arguments: SeededGenerator.seeds(8))
    func inverse(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
        for _ in 0..<50 {
            let id = ServiceID(name: "a.Cart", group: ["", "blue"].randomElement(using: &random)!)
            let instances = (0..<Int.random(in: 0...5, using: &random)).map { _ in Self.instance(&random) }
            var assignments = Assignments()
            let service = Service(
                id: id, instances: Self.distinct(instances), registries: ["zk", "nacos"])
            let written = translator.translate(service, &assignments, now: .zero).resources
            let known = translator.services(in: written.map(Self.object))
            #expect(known.count == written.count)
            var restored = Assignments()
            for service in known { restored.seed(from: service) }
            let seeded = Service(
                id: id, instances: Self.distinct(known.flatMap(\.instances)), registries: known.first?.registries ?? [])
            #expect(translator.translate(seeded, &restored, now: .zero).resources == written)
        }
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
        let v6 = IPAddress.v6(UInt128.random(in: 1...9, using: &random) + (0x2001_0db8 << 96))
        let v4 = IPAddress.v4(.random(in: 0x0A00_0001...0x0A00_0009, using: &random))
        return Instance(
            host: .address(Bool.random(using: &random) ? v4 : v6), port: .random(in: 1...65535, using: &random),
            protocol: PortProtocol.samples.randomElement(using: &random)!,
            weight: [1, 100, 200].randomElement(using: &random)!,
            application: ["", "shop", "a b/c", "-"].randomElement(using: &random)!,
            attributes: ["region", "version", "zone"].filter { _ in Bool.random(using: &random) }.map {
                Instance.Attribute(key: $0, value: ["eu 1", "1.0.0", "x", "_"].randomElement(using: &random)!)
            })
    }
}
