internal import IstioAPI

/// The resources that a delivery asked for before enough was known to answer. The delivery is told of them when it is.
struct UndecidedKeys: Sendable {
    private var entries: Set<ResourceKey> = []
    /// By ServiceEntry. Nobody tells of an endpoint that has left by the time its service is known.
    private var workloads: [ResourceKey: Set<ResourceKey>] = [:]

    mutating func insert(_ key: ResourceKey) {
        if let entry = WorkloadEntry.serviceEntry(ofWorkload: key) {
            workloads[entry, default: []].insert(key)
        } else {
            entries.insert(key)
        }
    }

    /// - Parameter keys: Gets the WorkloadEntries of a ServiceEntry that is known now.
    mutating func takeWorkloads(of entry: ResourceKey, _ keys: inout [ResourceKey]) {
        guard let known = workloads.removeValue(forKey: entry) else { return }
        keys += known
    }

    /// - Parameter keys: Gets all of them.
    mutating func takeAll(_ keys: inout [ResourceKey]) {
        keys += entries
        for known in workloads.values { keys += known }
        entries = []
        workloads = [:]
    }
}
