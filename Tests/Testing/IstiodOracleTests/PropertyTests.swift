import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Testing

@Suite("what holds for all objects")
struct OraclePropertyTests {
    static let client = Istiod.Client(namespace: "shop", address: "10.244.0.9")

    @Test("what clients see doesn't depend on the order of the objects", arguments: SeededGenerator.seeds(100))
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let objects = Self.objects(&random)
        let istiod = Istiod(objects)
        let shuffled = Istiod(objects.shuffled(using: &random))
        for namespace in ["shop", "dubbo", "other"] {
            #expect(istiod.sidecarView(of: namespace) == shuffled.sidecarView(of: namespace))
        }
        #expect(istiod.ambientView() == shuffled.ambientView())
    }

    @Test("a change of nothing pushes nothing", arguments: SeededGenerator.seeds(50))
    func nothing(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let istiod = Istiod(Self.objects(&random))
        let push = istiod.push(to: istiod.with(istiod.objects.shuffled(using: &random)), for: Self.client)
        #expect(push.scope == .nothing)
        #expect(push.contents.isEmpty && push.endpoints.isEmpty)
        #expect(push.addresses.isEmpty && push.removedAddresses.isEmpty)
    }

    @Test("a push has all that sidecars see differently", arguments: SeededGenerator.seeds(200))
    func completeness(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let objects = Self.objects(&random)
        let istiod = Istiod(objects)
        let after = istiod.with(Self.changed(objects, &random))
        // Of a host with two resolutions a real istiod leaves clusters as they were, until the next full push.
        guard istiod.hasOneResolutionEach, after.hasOneResolutionEach else { return }
        let push = istiod.push(to: after, for: Self.client)
        let (old, new) = (istiod.sidecarView(of: "shop"), after.sidecarView(of: "shop"))
        switch push.scope {
        case .nothing:
            #expect(old == new)
        case .endpointsOnly:
            #expect(old.listeners == new.listeners && old.routes == new.routes && old.names == new.names)
            #expect(old.clusters.keys == new.clusters.keys)
            let different = old.clusters.filter { new.clusters[$0.key] != $0.value }.map(\.key)
            #expect(push.endpoints.isSuperset(of: different))
        case .full: break
        }
    }

    @Test("services that can be merged may be merged in any grouping", arguments: SeededGenerator.seeds(100))
    func associativity(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let services = Istiod(Self.objects(&random)).services
        for first in services {
            for second in services where first.canMerge(second) {
                #expect(second.canMerge(first))
                for third in services where second.canMerge(third) {
                    #expect(first.canMerge(third))
                    #expect(
                        first.merging(second).merging(third) == first.merging(second.merging(third)))
                }
            }
        }
    }

    // MARK: - Random objects

    private static func objects(_ random: inout SeededGenerator) -> [ConfigObject] {
        let entries = (0..<Int.random(in: 1...5, using: &random)).map { entry($0, &random) }
        let workloads = (0..<Int.random(in: 0...3, using: &random)).map { workload($0, &random) }
        let rule = ConfigObject(
            kind: "DestinationRule", namespace: pick(["dubbo", "shop", "istio-system"], &random), name: "rule",
            spec: ["host": .string(pick(["*.mesh", "a.mesh"], &random)), "trafficPolicy": ["connectionPool": [:]]])
        return entries + workloads + (Bool.random(using: &random) ? [rule] : [])
    }

    private static func pick<Element>(_ elements: [Element], _ random: inout SeededGenerator) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private static func entry(_ index: Int, _ random: inout SeededGenerator) -> ConfigObject {
        var object = ConfigObject.entry(
            "e-\(index)", host: pick(["a.mesh", "b.mesh"], &random),
            address: pick(["240.1.0.1", "240.1.0.2"], &random),
            endpoints: (0..<Int.random(in: 0...2, using: &random)).map { _ in endpoint(&random) },
            [
                "resolution": .string(pick(["STATIC", "STATIC", "DNS"], &random)),
                "ports": .array([pick(ports, &random)]),
            ])
        if Int.random(in: 0..<4, using: &random) == 0 {
            object.spec = object.spec.applying(
                mergePatch: ["endpoints": .null, "workloadSelector": ["labels": ["svc": "a"]]])
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let exports = pick([["*"], ["."], ["~"], ["shop", "dubbo"]] as [JSONValue], &random)
            object.spec = object.spec.applying(mergePatch: ["exportTo": exports])
        }
        object.namespace = pick(["dubbo", "dubbo", "shop"], &random)
        object.created = "2026-01-01T00:00:0\(Int.random(in: 0...2, using: &random))Z"
        return object
    }

    private static let ports: [JSONValue] = [
        ["number": 20880, "name": "dubbo", "protocol": "TCP"], ["number": 20880, "name": "other", "protocol": "TCP"],
        ["number": 50051, "name": "tri", "protocol": "GRPC"],
    ]

    private static func endpoint(_ random: inout SeededGenerator) -> JSONValue {
        var endpoint = JSONValue.endpoint("10.1.0.\(Int.random(in: 1...3, using: &random))")
        if Bool.random(using: &random) { endpoint = endpoint.applying(mergePatch: ["weight": 3]) }
        if Bool.random(using: &random) { endpoint = endpoint.applying(mergePatch: ["serviceAccount": "x"]) }
        return endpoint
    }

    private static func workload(_ index: Int, _ random: inout SeededGenerator) -> ConfigObject {
        var object = ConfigObject.workload(
            "w-\(index)", "10.2.0.\(index)", labels: ["svc": pick(["a", "b"], &random)])
        object.namespace = pick(["dubbo", "shop"], &random)
        return object
    }

    /// With one object changed, new or gone.
    private static func changed(_ objects: [ConfigObject], _ random: inout SeededGenerator) -> [ConfigObject] {
        var objects = objects
        let index = Int.random(in: objects.indices, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: objects.remove(at: index)
        case 1: objects.append(entry(9, &random))
        case 2: objects[index].annotations["x"] = "1"
        case 3 where objects[index].kind == "ServiceEntry" && objects[index].spec["endpoints"] != nil:
            objects[index].spec = objects[index].spec.applying(
                mergePatch: ["endpoints": .array([endpoint(&random), endpoint(&random)])])
        default: objects[index].labels["x"] = "1"
        }
        return objects
    }
}

extension Istiod {
    fileprivate var hasOneResolutionEach: Bool {
        let resolutions = Dictionary(grouping: services) { "\($0.namespace)/\($0.host)" }
        return resolutions.values.allSatisfy { Set($0.map(\.resolution)).count == 1 }
    }
}
