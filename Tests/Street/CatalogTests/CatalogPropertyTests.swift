import Catalog
import IsthmusTesting
import Services
import Testing

@Suite("properties of the catalog")
struct CatalogPropertyTests {
    private static let ids = (0..<6).map {
        ServiceID(name: "com.acme.S\($0 / 2)", protocol: .dubbo, version: $0 % 2 == 0 ? "" : "2")
    }

    @Test(
        "the order in which instances are announced matters only among those of one endpoint",
        arguments: SeededGenerator.seeds(8))
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let announced = (0..<12).map { ("node-\($0)", randomInstance(&random)) }
        var first = CatalogStore(registries: ["zk", "nacos"])
        var second = first
        for (node, instance) in announced { first.add(node, instance, in: node.hasSuffix("1") ? "nacos" : "zk") }
        for (node, instance) in announced.shuffled(using: &random) {
            second.add(node, instance, in: node.hasSuffix("1") ? "nacos" : "zk")
        }
        let (left, right) = (first.service(.cart), second.service(.cart))
        #expect(left.instances.map(\.endpoint) == right.instances.map(\.endpoint))
        #expect(left.registries == right.registries)
        let counts = Dictionary(grouping: announced, by: \.1.endpoint).mapValues(\.count)
        for (one, other) in zip(left.instances, right.instances) where counts[one.endpoint] == 1 {
            #expect(one == other)
        }
    }

    @Test("a catalog kept by changes equals one that was read anew", arguments: SeededGenerator.seeds(8))
    func changesEqualRead(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var truth: [ServiceID: [String: Instance]] = [:]
        var store = CatalogStore(registries: ["zk"])
        for step in 0..<400 {
            let id = Self.ids.randomElement(using: &random)!
            let node = "node-\(UInt8.random(in: 0..<20, using: &random))"
            let before = store.service(id)
            var changed: [ServiceID]
            if Bool.random(using: &random) {
                let instance = Self.registered(randomInstance(&random), at: node, among: truth[id] ?? [:])
                truth[id, default: [:]][node] = instance
                changed = store.add(node, instance, to: id)
            } else {
                truth[id]?[node] = nil
                changed = store.remove(node, from: id)
            }
            #expect(changed.contains(id) || store.service(id) == before)
            if step % 50 == 0 { #expect(store.read(truth) == [], "step \(step)") }
        }
        var fresh = CatalogStore(registries: ["zk"])
        fresh.read(truth)
        #expect(store.serviceIDs == fresh.serviceIDs)
        for id in Self.ids { #expect(store.service(id) == fresh.service(id)) }
    }

    /// The instance at its place among the registrations of its endpoint: behind them, unless it is one of them.
    private static func registered(
        _ instance: Instance, at node: String, among others: [String: Instance]
    ) -> Instance {
        if let known = others[node], known.endpoint == instance.endpoint { return instance.at(known.succession) }
        let places = others.values.filter { $0.endpoint == instance.endpoint }.map(\.succession)
        return instance.at(places.max().map { $0 + 1 } ?? 0)
    }

    @Test("a service has each endpoint once, sorted", arguments: SeededGenerator.seeds(8))
    func unique(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var store = CatalogStore(registries: ["zk"])
        for index in 0..<100 { store.add("node-\(index)", randomInstance(&random)) }
        let endpoints = store.service(.cart).instances.map { ($0.host, $0.port) }
        for (left, right) in zip(endpoints, endpoints.dropFirst()) { #expect(left < right) }
    }

    /// From so few values that many meet.
    private func randomInstance(_ random: inout SeededGenerator) -> Instance {
        .sample(
            .random(in: 1...5, using: &random), port: .random(in: 20880...20881, using: &random),
            weight: .random(in: 0...2, using: &random),
            isEnabled: .random(using: &random), application: Bool.random(using: &random) ? "shop" : "till")
    }
}
