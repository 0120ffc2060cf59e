import IstioAPI
import IstiodOracle
import Services
import Testing
import Translation

@Suite("translation for ambient, judged by what a ztunnel reaches")
struct AmbientTests {
    private var assignments = Assignments()

    private static func policy(_ mesh: MeshMode, exportTo: [String] = []) -> TranslationPolicy {
        var policy = TranslationPolicy(namespace: "dubbo")
        policy.mesh = mesh
        policy.exportTo = exportTo
        return policy
    }

    private mutating func entry(
        _ instances: [Instance], _ mesh: MeshMode = .ambient, exportTo: [String] = []
    ) throws -> ServiceEntry {
        let translator = Translator(policy: Self.policy(mesh, exportTo: exportTo))
        let outcome = translator.translate(Service("Cart", instances), &assignments, now: .zero)
        #expect(outcome.problem == nil)
        return try #require(outcome.resource)
    }

    private func calls(_ entry: ServiceEntry) -> [String] {
        let workloads = entry.isInline ? [] : entry.endpoints.map { Resource.workloadEntry(entry.workload(of: $0)) }
        let service = Resource.serviceEntry(entry.isInline ? entry : entry.selecting)
        let view = Istiod(([service] + workloads).map { ConfigObject($0) }).view(from: "shop", through: .ztunnel)
        #expect(view.blackHoles == [])
        return (view.hosts["cart.mesh"]?.endpoints[20880] ?? []).map(\.description).sorted()
    }

    private static let apart = [Instance.sample(1), .sample(2)]
    private static let shared = [Instance.sample(1), .sample(1, port: 20881), .sample(2)]

    @Test("instances of different addresses are inline, and all are reached")
    mutating func apart() throws {
        let entry = try entry(Self.apart)
        #expect(entry.isInline)
        #expect(calls(entry) == ["10.0.0.1:20880", "10.0.0.2:20880"])
    }

    @Test("a service of which two instances share an address has WorkloadEntries, and all are reached")
    mutating func shared() throws {
        let entry = try entry(Self.shared)
        #expect(!entry.isInline)
        #expect(calls(entry) == ["10.0.0.1:20880", "10.0.0.1:20881", "10.0.0.2:20880"])
    }

    @Test("inline, a ztunnel would lose one of the two: a sidecar's service stays inline")
    mutating func sidecar() throws {
        let entry = try entry(Self.shared, .sidecar)
        #expect(entry.isInline)
        #expect(calls(entry).count == 2)
    }

    @Test("the service stays with WorkloadEntries when no address is shared any more, also after a restart")
    mutating func stays() throws {
        let before = try entry(Self.shared)
        #expect(try !entry(Self.apart).isInline)
        #expect(try !entry([]).isInline)
        assignments = Translator(policy: Self.policy(.ambient)).assignments(readBackFrom: [before.selecting])
        #expect(try !entry(Self.apart).isInline)
    }

    @Test("exportTo is left out, since a ztunnel sees all namespaces")
    mutating func exports() throws {
        #expect(try entry(Self.apart, exportTo: ["."]).exportTo == [])
        #expect(try entry(Self.apart, .sidecar, exportTo: ["."]).exportTo == ["."])
    }
}
