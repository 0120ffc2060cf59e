import IsthmusTesting
import Services
import Testing

@testable import Catalog

@Suite("a table of instances")
struct InstanceTableTests {
    private static let keys = (0..<40).map { InstanceKey("node-\($0)") }

    @Test("it equals a dictionary, whatever is set and removed", arguments: SeededGenerator.seeds(16))
    func likeDictionary(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = InstanceTable()
        var model: [InstanceKey: Instance] = [:]
        for _ in 0..<300 {
            let key = Self.keys.randomElement(using: &random)!
            let instance = Bool.random(using: &random) ? Self.instance(&random) : nil
            table[key] = instance
            model[key] = instance
            #expect(table.count == model.count && table.isEmpty == model.isEmpty)
        }
        for key in Self.keys { #expect(table[key] == model[key]) }
        #expect(table == InstanceTable(model))
        #expect(Array(table.instances) == model.sorted { $0.key < $1.key }.map(\.value))
        for host in 1...6 as ClosedRange<UInt8> {
            let endpoint = Instance.sample(host).endpoint
            let key = Self.keys.randomElement(using: &random)!
            #expect(
                table.serves(endpoint, besides: key)
                    == model.contains { $0.key != key && $0.value.endpoint == endpoint })
        }
    }

    @Test("the union of two tables has the second one's entry for a key of both", arguments: SeededGenerator.seeds(16))
    func merging(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func some() -> [InstanceKey: Instance] {
            let count = Int.random(in: 0...20, using: &random)
            return Dictionary(
                Self.keys.shuffled(using: &random).prefix(count).map { ($0, Self.instance(&random)) }
            ) { $1 }
        }
        let (first, second) = (some(), some())
        #expect(InstanceTable(first).merging(InstanceTable(second)) == InstanceTable(first.merging(second) { $1 }))
    }

    @Test("an instance takes no more than 64 bytes with its key")
    func size() {
        #expect(MemoryLayout<InstanceTable.Entry>.stride <= 64)
    }

    private static func instance(_ random: inout SeededGenerator) -> Instance {
        .sample(
            .random(in: 1...5, using: &random), application: Bool.random(using: &random) ? "shop" : "till",
            succession: .random(in: 0...2, using: &random))
    }
}
