package import IstioAPI
package import IstioProtobuf
package import NIOCore
internal import Planning

/// What istiod should have: the complete set of each kind, as the bytes that all streams share. A pure value.
///
/// A change encodes one object. The bytes of a set are joined when a stream is about to send it.
package struct ResourceSets: Sendable {
    /// The newest set of one kind.
    package struct Encoded: Sendable {
        package var version: String
        package var count: Int
        /// The objects as they stand in a response.
        package var body: ByteBuffer
    }

    private struct Entry: Sendable {
        var resource: Resource
        var created: Int64
        /// As it stands in a response.
        var bytes: [UInt8]
        var hash: (UInt64, UInt64)
    }

    private struct Order: Sendable {
        /// Sorted, but for what came since the set was encoded. What went since then is still there.
        var keys: [ResourceKey] = []
        var count = 0
    }

    private var entries: [ResourceKey: Entry] = [:]
    private var orders: [ResourceKind: Order] = [:]
    /// The sum of the hashes of a kind's objects. It does not depend on the order in which they came.
    private var sums: [ResourceKind: (UInt64, UInt64)] = [:]
    private var encoded: [ResourceKind: Encoded] = [:]

    package init() {}

    package var count: Int { entries.count }
    package var keys: [ResourceKey] { Array(entries.keys) }
    package func count(of kind: ResourceKind) -> Int { orders[kind]?.count ?? 0 }

    /// Equal sets have equal versions, in every process.
    package func version(of kind: ResourceKind) -> String {
        let sum = sums[kind] ?? (0, 0)
        return "\(count(of: kind))-" + ContentHash.hex(sum.0) + ContentHash.hex(sum.1)
    }

    /// The object as it stands in the set.
    func object(_ key: ResourceKey) -> ActualObject? { entries[key].map { ActualObject($0.resource) } }
}

extension ResourceSets {
    /// - Parameter created: When the object is made, where it is new.
    package mutating func set(_ resource: Resource, created: Int64) {
        let key = resource.key
        let old = entries[key]
        let wrapped = MCPResource(resource, created: old?.created ?? created)
        insert(wrapped, replacing: old)
    }

    /// Takes over an object of an earlier run, with the version that istiod has.
    package mutating func restore(_ wrapped: MCPResource) {
        insert(MCPResource(wrapped.resource, created: wrapped.created), replacing: entries[wrapped.key])
    }

    private mutating func insert(_ wrapped: MCPResource, replacing old: Entry?) {
        let key = wrapped.key
        let entry = Entry(
            resource: wrapped.resource, created: wrapped.created, bytes: DiscoveryResponse.entry(wrapped.any),
            hash: ContentHash.value(of: Array("\(key.namespace)/\(key.name)@\(wrapped.version)".utf8)))
        if let old {
            subtract(old.hash, from: key.kind)
        } else {
            orders[key.kind, default: Order()].keys.append(key)
            orders[key.kind]?.count += 1
        }
        add(entry.hash, to: key.kind)
        entries[key] = entry
        encoded[key.kind] = nil
    }

    package mutating func remove(_ key: ResourceKey) {
        guard let old = entries.removeValue(forKey: key) else { return }
        subtract(old.hash, from: key.kind)
        orders[key.kind]?.count -= 1
        encoded[key.kind] = nil
    }

    private mutating func add(_ hash: (UInt64, UInt64), to kind: ResourceKind) {
        let sum = sums[kind] ?? (0, 0)
        sums[kind] = (sum.0 &+ hash.0, sum.1 &+ hash.1)
    }

    private mutating func subtract(_ hash: (UInt64, UInt64), from kind: ResourceKind) {
        let sum = sums[kind] ?? (0, 0)
        sums[kind] = (sum.0 &- hash.0, sum.1 &- hash.1)
    }

    /// The keys of a kind, each once, without what went.
    private mutating func sortedKeys(_ kind: ResourceKind) -> [ResourceKey] {
        guard var keys = orders[kind]?.keys else { return [] }
        // Nearly all of it is in order.
        keys.sort()
        var last: ResourceKey?
        keys.removeAll { key in
            defer { last = key }
            return key == last || entries[key] == nil
        }
        orders[kind]?.keys = keys
        return keys
    }

    /// The newest set. Its bytes are made where something changed since the last call.
    package mutating func encoded(_ kind: ResourceKind) -> Encoded {
        if let known = encoded[kind] { return known }
        let keys = sortedKeys(kind)
        var body = ByteBuffer()
        body.reserveCapacity(keys.reduce(0) { $0 + (entries[$1]?.bytes.count ?? 0) })
        for key in keys {
            if let entry = entries[key] { body.writeBytes(entry.bytes) }
        }
        let set = Encoded(version: version(of: kind), count: keys.count, body: body)
        encoded[kind] = set
        return set
    }
}
