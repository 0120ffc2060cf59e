import Addressing
import Catalog
import IsthmusTesting
import IstioAPI
import Services
import Sources
import Testing
import Translation

@Suite("properties of translation")
struct TranslationPropertyTests {
    private let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))

    private func randomServices(_ count: Int, _ random: inout SeededGenerator) -> [Service] {
        let ids = Set((0..<count).map { _ in ServiceID.nasty(using: &random) }).sorted()
        return ids.map { id in
            let instances = (0..<Int.random(in: 0...4, using: &random)).map { _ in Instance.random(using: &random) }
            return Service(id: id, instances: instances, registries: instances.isEmpty ? [] : ["zk"])
        }
    }

    @Test(
        "whatever services are called, hosts and addresses are their own and every resource is valid",
        arguments: SeededGenerator.seeds(4))
    func injective(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var assignments = Assignments()
        var owners: [String: ServiceID] = [:]
        var addresses: [String: ServiceID] = [:]
        var names: Set<ResourceKey> = []
        for service in randomServices(80, &random) {
            let outcome = translator.translate(service, &assignments, now: .zero)
            #expect((outcome.problem == nil) == (outcome.hostHolder == nil))
            if let holder = outcome.hostHolder {
                #expect(holder.description.lowercased() == service.id.description.lowercased())
            }
            if let resource = outcome.resource {
                #expect(resource.violations == [], "\(service.id)")
                #expect(names.insert(resource.key).inserted, "\(resource.key) twice")
                #expect(owners.updateValue(service.id, forKey: resource.hosts[0]) == nil)
                #expect(addresses.updateValue(service.id, forKey: resource.addresses[0]) == nil)
                #expect(assignments.service(ofObject: resource.key.name) == service.id)
            }
        }
    }

    @Test("translating twice gives the same bytes", arguments: SeededGenerator.seeds(4))
    func deterministic(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let services = randomServices(60, &random)
        var assignments = Assignments()
        let first = translator.resources(services, &assignments)
        let shuffled = translator.resources(services.shuffled(using: &random), &assignments)
        #expect(Set(shuffled.map(\.bytes)) == Set(first.map(\.bytes)))
        var fresh = Assignments()
        #expect(translator.resources(services, &fresh).map(\.bytes) == first.map(\.bytes))
    }

    @Test("the order in which a registry announces instances does not matter", arguments: SeededGenerator.seeds(4))
    func instanceOrder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let id = ServiceID(name: "a.B", protocol: .dubbo)
        let instances = (0..<50).map { ("node-\($0)", Instance.random(using: &random)) }
        let bytes = (0..<3).map { _ in
            var catalog = CatalogStore(registries: ["zk"])
            for (node, instance) in instances.shuffled(using: &random) {
                _ = catalog.apply(.added(id, InstanceKey(node), instance), from: "zk", now: .zero)
            }
            var assignments = Assignments()
            return translator.resources([catalog.service(id)], &assignments).map(\.bytes)
        }
        #expect(Set(bytes).count == 1)
    }

    @Test(
        "a restart gives identical resources, in whatever order services are seen again",
        arguments: SeededGenerator.seeds(4))
    func restart(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let block = CIDRBlock("10.96.0.0/25")!
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", addresses: .block(block)))
        // Some come and go first, so that hosts and addresses are not where a fresh start would put them.
        var assignments = Assignments()
        let services = randomServices(70, &random)
        for service in services.shuffled(using: &random) {
            _ = translator.resources([service], &assignments)
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            _ = translator.resources([Service(id: service.id, instances: [], registries: [])], &assignments)
            _ = assignments.expire(now: .seconds(1), retention: .zero)
        }
        let before = translator.resources(services, &assignments)
        var restarted = translator.assignments(readBackFrom: before.shuffled(using: &random))
        let after = translator.resources(services.shuffled(using: &random), &restarted)
        #expect(Set(after.map(\.bytes)) == Set(before.map(\.bytes)))
    }

    @Test("churn changes nothing but endpoints", arguments: SeededGenerator.seeds(4))
    func churn(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var assignments = Assignments()
        var known: [ResourceKey: ServiceEntry] = [:]
        let id = ServiceID.nasty(using: &random)
        for _ in 0..<50 {
            let instances = (0..<Int.random(in: 0...4, using: &random)).map { _ in Instance.random(using: &random) }
            let service = Service(id: id, instances: instances, registries: instances.isEmpty ? [] : ["zk"])
            for resource in translator.resources([service], &assignments) {
                var before = known[resource.key] ?? resource
                before.endpoints = resource.endpoints
                #expect(resource == before)
                known[resource.key] = resource
            }
        }
    }
}
