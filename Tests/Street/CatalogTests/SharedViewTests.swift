import IsthmusTesting
import Services
import Testing

@testable import Catalog

@Suite("full reads one after another")
struct SharedViewTests {
    @Test("a read of the same registry takes no memory twice")
    func shared() throws {
        var store = CatalogStore(registries: ["zk"])
        let services: [ServiceID: [String: Instance]] = [.cart: ["a": .sample(1)], .order: ["b": .sample(2)]]
        store.read(services)
        let before = try #require(store.registries[0].view.services[.cart]).entries.storage
        store.read(services)
        #expect(store.registries[0].view.services[.cart]?.entries.storage == before)
    }

    @Test("a view does not depend on the view before it", arguments: SeededGenerator.seeds(16))
    func independent(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var store = CatalogStore(registries: ["zk"])
        for _ in 0..<30 {
            var services: [ServiceID: [String: Instance]] = [:]
            for number in 0..<6 where Bool.random(using: &random) {
                let id = ServiceID(
                    name: "com.acme.S\(number / 2)", protocol: .dubbo, version: number % 2 == 0 ? "" : "2")
                for node in 0..<3 where Bool.random(using: &random) {
                    services[id, default: [:]]["node-\(node)"] = .sample(.random(in: 1...3, using: &random))
                }
            }
            var fresh = CatalogStore(registries: ["zk"])
            fresh.read(services)
            store.read(services)
            let (view, expected) = (store.registries[0].view, fresh.registries[0].view)
            #expect(view.services == expected.services)
            #expect(view.count == expected.count)
            #expect(view.names.mapValues(Set.init) == expected.names.mapValues(Set.init))
        }
    }
}

extension Array {
    fileprivate var storage: UnsafeRawPointer? { withUnsafeBytes { $0.baseAddress } }
}
