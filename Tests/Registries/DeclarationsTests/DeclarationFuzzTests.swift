import IsthmusTesting
import IstioAPI
import Services
import Sources
import Testing

@testable import Declarations

@Suite("mutated entries")
struct DeclarationFuzzTests {
    @Test(
        "whatever a registry holds, nothing crashes, and what is read is sound",
        arguments: SeededGenerator.seeds(8))
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let decoders = Declaration.presets.map {
            DeclarationDecoder(
                $0, protocols: [FormatDefaults.declared].protocols, keptAttributes: ["version", "zone", "weight"])
        }
        var view = DeclaredView(decoders: decoders, limit: 50)
        let pool = try RecordedConvention.all.flatMap { try $0.entries() }
        var shown: [InstanceKey: Set<ServiceID>] = [:]
        for _ in 0..<100 {
            var entry = try #require(pool.randomElement(using: &random))
            if Bool.random(using: &random) { entry.value = Self.mutated(entry.value, &random) }
            if Int.random(in: 0..<4, using: &random) == 0 {
                entry.key = String(decoding: Self.mutated(Array(entry.key.utf8), &random), as: UTF8.self)
            }
            let meanings = decoders.map { $0.decode(entry) }
            #expect(meanings == decoders.map { $0.decode(entry) }, "decoding is a function of the entry")
            for case .unusable(_, let reason) in meanings { #expect(!reason.isEmpty && reason.utf8.count < 1000) }
            let changes =
                Int.random(in: 0..<3, using: &random) == 0 ? view.remove(entry.key) : view.put(entry).changes
            for change in changes {
                if let instance = change.instance {
                    #expect(instance.port > 0)
                    #expect(instance.weight > 0 || !instance.isEnabled)
                    #expect(ServiceID(change.service.description) == change.service)
                    shown[change.key, default: []].insert(change.service)
                } else {
                    #expect(shown[change.key]?.remove(change.service) != nil, "only what was there can go")
                }
            }
        }
        // The changes add up to what the view shows.
        var now: [InstanceKey: Set<ServiceID>] = [:]
        for reading in view.readings(position: nil).values {
            guard case .services(let services) = reading.content else { continue }
            for (id, instances) in services { for key in instances.keys { now[key, default: []].insert(id) } }
        }
        #expect(now == shown.filter { !$0.value.isEmpty })
    }

    private static func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 1: if place < bytes.count { bytes.remove(at: place) }
            case 2: bytes = Array(bytes.prefix(place))
            default: if place < bytes.count { bytes[place] = "0{}[]\",:/%".utf8.randomElement(using: &random)! }
            }
        }
        return bytes
    }
}
