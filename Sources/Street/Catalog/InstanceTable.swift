internal import Services

/// The instances that a registry announces for one service, by their keys.
///
/// It is a sorted array: a dictionary takes twice the memory.
struct InstanceTable: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var key: InstanceKey
        var instance: Instance
    }

    /// Sorted by key.
    private(set) var entries: [Entry] = []

    init() {}

    init(_ instances: [InstanceKey: Instance]) {
        entries = instances.map { Entry(key: $0.key, instance: $0.value) }
        entries.sort { $0.key < $1.key }
    }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var instances: some RandomAccessCollection<Instance> { entries.lazy.map(\.instance) }

    subscript(key: InstanceKey) -> Instance? {
        get {
            let index = lowerBound(key)
            return index < entries.count && entries[index].key == key ? entries[index].instance : nil
        }
        set {
            let index = lowerBound(key)
            let isPresent = index < entries.count && entries[index].key == key
            switch (newValue, isPresent) {
            case (let instance?, true): entries[index].instance = instance
            case (let instance?, false): entries.insert(Entry(key: key, instance: instance), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    mutating func removeAll(where isGone: (Instance) -> Bool) {
        entries.removeAll { isGone($0.instance) }
    }

    private func lowerBound(_ key: InstanceKey) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The union of both. Where both have a key, the other table counts.
    func merging(_ other: InstanceTable) -> InstanceTable {
        if isEmpty { return other }
        if other.isEmpty { return self }
        var merged = InstanceTable()
        merged.entries.reserveCapacity(count + other.count)
        var (left, right) = (entries[...], other.entries[...])
        while let ours = left.first, let theirs = right.first {
            if ours.key < theirs.key {
                merged.entries.append(ours)
            } else {
                merged.entries.append(theirs)
                right.removeFirst()
            }
            if ours.key <= theirs.key { left.removeFirst() }
        }
        merged.entries += left
        merged.entries += right
        return merged
    }

    /// The place of a registration that comes now among those of its endpoint.
    func nextSuccession(at endpoint: Endpoint?) -> UInt16 {
        guard let endpoint else { return 0 }
        var next: UInt16 = 0
        for entry in entries where entry.instance.port == endpoint.port && entry.instance.endpoint == endpoint {
            let last = entry.instance.succession
            next = max(next, last < .max ? last + 1 : last)
        }
        return next
    }

    /// Whether a healthy instance is at the endpoint.
    func serves(_ endpoint: Endpoint, besides key: InstanceKey?) -> Bool {
        // The port is the cheapest to compare, so it comes first.
        entries.contains {
            $0.instance.port == endpoint.port && $0.instance.isHealthy && $0.instance.endpoint == endpoint
                && $0.key != key
        }
    }

    var healthy: some Sequence<Instance> { instances.lazy.filter(\.isHealthy) }

    var healthyCount: Int { entries.count { $0.instance.isHealthy } }
}
