/// The key of an instance in its registry, or of an endpoint and its service, as a 128-bit hash: names are long, and
/// they are only ever compared. Each process keys the hash anew, so that nobody can prepare two names that collide.
package struct InstanceKey: Hashable, Sendable {
    private var high: Int
    private var low: Int

    /// By bytes, as registries tell names apart.
    package init(_ name: String) {
        var name = name
        var hasher = Hasher()
        name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        self.init(finishing: hasher)
    }

    package init(_ endpoint: Endpoint, of id: ServiceID) {
        var hasher = Hasher()
        id.hashContent(into: &hasher)
        hasher.combine(endpoint)
        self.init(finishing: hasher)
    }

    private init(finishing hasher: Hasher) {
        var hasher = hasher
        // The hasher has 256 bits of state. SipHash-128 also finalizes it in two ways.
        var other = hasher
        hasher.combine(0 as UInt8)
        other.combine(1 as UInt8)
        low = hasher.finalize()
        high = other.finalize()
    }
}

extension InstanceKey: Comparable {
    package static func < (left: InstanceKey, right: InstanceKey) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
