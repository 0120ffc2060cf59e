internal import IsthmusTesting
internal import Sources

/// One provider after another moves to a new address, as in a rolling restart.
struct ChangeStream {
    struct Change {
        var service: Int
        /// The new and the old address.
        var address: UInt32
        var formerAddress: UInt32
        var events: [SourceEvent]
    }

    private let registry: SyntheticRegistry
    /// The address of each moved provider, by service and slot.
    private var moved: [Int: UInt32] = [:]
    private var nextAddress: UInt32 = 0x0B00_0001
    private var random: SeededGenerator

    init(_ registry: SyntheticRegistry, seed: UInt64 = 1) {
        self.registry = registry
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> Change? {
        change(of: Int.random(in: 0..<registry.extent.services, using: &random))
    }

    mutating func change(of service: Int) -> Change? {
        let slot = Int.random(in: 0..<registry.extent.instances, using: &random)
        let index = service * registry.extent.instances + slot
        let before = moved.updateValue(nextAddress, forKey: index) ?? registry.address(service, slot)
        defer { nextAddress += 1 }
        guard let old = registry.decode(registry.node(service, address: before), of: service),
            let new = registry.decode(registry.node(service, address: nextAddress), of: service)
        else { return nil }
        return Change(
            service: service, address: nextAddress, formerAddress: before,
            events: [.added(new.0, new.1, new.2), .removed(old.0, old.1)])
    }
}
