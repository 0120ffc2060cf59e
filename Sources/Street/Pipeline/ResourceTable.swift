internal import IstioAPI

/// The resources as they should be.
///
/// A ServiceEntry is kept with its endpoints in either form. An endpoint that is an object of its own becomes a WorkloadEntry
/// when somebody asks for it.
struct ResourceTable: Sendable {
    private(set) var entries: [ResourceKey: ServiceEntry] = [:]
    /// The endpoints that are objects of their own.
    private(set) var workloads: [ResourceKey: ServiceEntry.Endpoint] = [:]

    /// All resources, in any order.
    var resources: [Resource] {
        entries.values.map { .serviceEntry($0) } + workloads.keys.compactMap { self[$0] }
    }

    subscript(key: ResourceKey) -> Resource? {
        switch key.kind {
        case .serviceEntry:
            return entries[key].map { .serviceEntry($0) }
        case .workloadEntry:
            guard let endpoint = workloads[key], let entry = WorkloadEntry.serviceEntry(ofWorkload: key) else {
                return nil
            }
            return entries[entry].map { .workloadEntry($0.workload(of: endpoint)) }
        case .destinationRule:
            return nil
        }
    }

    /// - Parameter changed: Gets the keys of the entry and of its WorkloadEntries that differ from before.
    /// - Returns: Whether the entry differs from before.
    mutating func update(_ entry: ServiceEntry, _ changed: inout [ResourceKey]) -> Bool {
        let earlier = entries[entry.key]
        if earlier == entry { return false }
        changed.append(entry.key)
        updateWorkloads(from: earlier, to: entry, &changed)
        entries[entry.key] = entry
        return true
    }

    /// - Parameter changed: Gets the key, and the keys of the entry's WorkloadEntries.
    mutating func remove(_ key: ResourceKey, _ changed: inout [ResourceKey]) {
        changed.append(key)
        if let entry = entries.removeValue(forKey: key) { updateWorkloads(from: entry, to: nil, &changed) }
    }

    private mutating func updateWorkloads(
        from old: ServiceEntry?, to new: ServiceEntry?, _ changed: inout [ResourceKey]
    ) {
        let before = old.flatMap { $0.isInline ? nil : $0 }
        let after = new.flatMap { $0.isInline ? nil : $0 }
        if before == nil, after == nil { return }
        // A WorkloadEntry has the labels and annotations of its entry.
        let isSame = before?.labels == after?.labels && before?.annotations == after?.annotations
        var old = (before?.endpoints ?? [])[...]
        var new = (after?.endpoints ?? [])[...]
        if isSame {
            // Both are sorted, and one of thousands changes.
            while let first = old.first, first == new.first { (old, new) = (old.dropFirst(), new.dropFirst()) }
            while let last = old.last, last == new.last { (old, new) = (old.dropLast(), new.dropLast()) }
        }
        var known = Dictionary(old.map { (EndpointPlace($0), $0) }, uniquingKeysWith: { first, _ in first })
        for endpoint in new {
            let earlier = known.removeValue(forKey: EndpointPlace(endpoint))
            if isSame, earlier == endpoint { continue }
            guard let key = after?.workloadKey(of: endpoint) else { continue }
            workloads[key] = endpoint
            changed.append(key)
        }
        for endpoint in known.values {
            guard let key = before?.workloadKey(of: endpoint) else { continue }
            workloads[key] = nil
            changed.append(key)
        }
    }
}
