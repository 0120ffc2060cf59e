import IsthmusTesting
import IstioAPI
import JSON
import Services
import Testing
import Translation

@Suite("the form of endpoints")
struct EndpointFormTests {
    private var assignments = Assignments()

    private mutating func entry(
        _ count: Int, _ policy: TranslationPolicy = Self.policy(), weight: UInt32 = 100
    ) throws -> ServiceEntry {
        let instances = (0..<count).map { Instance.sample(UInt8($0 + 1), weight: weight) }
        let outcome = Translator(policy: policy).translate(Service("Cart", instances), &assignments, now: .zero)
        #expect(outcome.problem == nil)
        return try #require(outcome.resource)
    }

    private static func policy(
        _ endpoints: TranslationPolicy.EndpointPolicy = .auto, limit: Int = 10, bytes: Int = 256 << 10
    ) -> TranslationPolicy {
        TranslationPolicy(
            namespace: "dubbo", endpoints: endpoints, inlineLimit: .init(endpoints: limit, bytes: bytes))
    }

    @Test("a service gets WorkloadEntries above the limit, and is inline again only below half of it")
    mutating func hysteresis() throws {
        let forms = try [1, 10, 11, 10, 5, 4, 5, 10, 11].map { try entry($0).isInline }
        #expect(forms == [true, true, false, false, false, true, true, true, false])
    }

    @Test("the limit is also one of bytes")
    mutating func bytes() throws {
        let size = try entry(8).endpointBytes
        #expect(try entry(8, Self.policy(limit: 100, bytes: size)).isInline)
        #expect(try !entry(8, Self.policy(limit: 100, bytes: size - 1)).isInline)
        #expect(try !entry(8, Self.policy(limit: 100, bytes: size * 3 / 2)).isInline)
        #expect(try entry(8, Self.policy(limit: 100, bytes: size * 2 + 1)).isInline)
    }

    @Test("a service without instances keeps its form, and selects nothing")
    mutating func empty() throws {
        _ = try entry(11)
        let empty = try entry(0)
        #expect(!empty.isInline && empty.endpoints.isEmpty)
        #expect(empty.spec["endpoints"] == nil)
        #expect(try entry(3).isInline)
    }

    @Test("the configuration may call for one form, whatever the size")
    mutating func fixed() throws {
        #expect(try !entry(1, Self.policy(.workloadEntry)).isInline)
        #expect(try entry(20, Self.policy(.inline)).isInline)
    }

    @Test("the form is read back, and what one replica chose holds for another")
    mutating func seeded() throws {
        let cart = ServiceID(name: "Cart", protocol: .dubbo)
        var choices = Assignments.Assignment(objectName: "cart")
        choices.form = .workloadEntry
        Translator(policy: Self.policy()).seed(&assignments, cart, choices)
        #expect(try !entry(7).isInline)
        var others = Assignments()
        others.adopt(assignments)
        #expect(others[cart]?.form == .workloadEntry)
    }

    @Test("each service selects its own endpoints, which are all valid and have their weights")
    mutating func protocols() throws {
        let services = [
            Service("Cart", [.sample(1), .sample(2, weight: 100), .sample(3, weight: 7)]),
            Service("Cart", protocol: .tri, [.sample(1, port: 50051)]),
        ]
        let resources = Translator(policy: Self.policy(.workloadEntry)).resources(services, &assignments)
        #expect(Set(resources.map(\.workloadSelector)).count == 2)
        let workloads = resources.flatMap { entry in entry.endpoints.map { entry.workload(of: $0) } }
        #expect(workloads.count == 4)
        #expect(Set(workloads.map(\.key)).count == 4)
        for workload in workloads {
            #expect(workload.violations == [])
            #expect(workload.endpoint.weight == (workload.endpoint.address == "10.0.0.3" ? 7 : 100))
        }
    }

    @Test("any number of the largest weights is taken")
    mutating func weights() {
        let many = (0..<6000).map { Instance.sample(UInt8($0 % 250), port: UInt16($0 / 250 + 1), weight: .max) }
        let outcome = Translator(policy: Self.policy()).translate(Service("Cart", many), &assignments, now: .zero)
        #expect(outcome.problem == nil)
        #expect(outcome.resource?.endpoints.count == 6000)
    }

    @Test("the longest name leaves room for the names of WorkloadEntries")
    mutating func longName() throws {
        let name = (0..<9).map { _ in String(repeating: "x", count: 58) }.joined(separator: ".")
        let outcome = Translator(policy: Self.policy(.workloadEntry)).translate(
            Service(name, [.sample(1)]), &assignments, now: .zero)
        let entry = try #require(outcome.resource)
        #expect(!entry.isInline && entry.workload(of: entry.endpoints[0]).violations == [])
    }
}
