internal import IstioAPI
internal import Services
internal import Translation

/// Endpoints that are objects of their own.
extension Pipeline {
    /// The service that a resource belongs to, where it is known.
    func service(of key: ResourceKey) -> ServiceID? {
        // What stands where an earlier configuration put it is not wanted there.
        guard key.namespace == translator.policy.namespace else { return nil }
        let entry = key.kind == .serviceEntry ? key : WorkloadEntry.serviceEntry(ofWorkload: key)
        return entry.flatMap { assignments.service(ofObject: $0.name) }
    }

    /// The resource as it is now.
    func resource(_ key: ResourceKey) -> Resource? {
        switch key.kind {
        case .serviceEntry:
            return resources[key].map { .serviceEntry($0) }
        case .workloadEntry:
            guard let endpoint = workloads[key], let entry = WorkloadEntry.serviceEntry(ofWorkload: key) else {
                return nil
            }
            return resources[entry].map { .workloadEntry($0.workload(of: endpoint)) }
        }
    }

    /// - Returns: Those that came, changed or went.
    func updateWorkloads(from old: ServiceEntry?, to new: ServiceEntry?) -> [ResourceKey] {
        let before = old.flatMap { $0.isInline ? nil : $0 }
        let after = new.flatMap { $0.isInline ? nil : $0 }
        if before == nil, after == nil { return [] }
        // What the entry itself says stands in each of them too.
        let isSame = before?.labels == after?.labels && before?.annotations == after?.annotations
        var old = (before?.endpoints ?? [])[...]
        var new = (after?.endpoints ?? [])[...]
        if isSame {
            // Both are sorted, and one of thousands changes.
            while let first = old.first, first == new.first { (old, new) = (old.dropFirst(), new.dropFirst()) }
            while let last = old.last, last == new.last { (old, new) = (old.dropLast(), new.dropLast()) }
        }
        var known = Dictionary(old.map { (EndpointPlace($0), $0) }, uniquingKeysWith: { first, _ in first })
        var changed: [ResourceKey] = []
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
        return changed
    }
}
