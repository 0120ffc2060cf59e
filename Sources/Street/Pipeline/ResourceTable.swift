internal import IstioAPI

/// The resources as they should be.
///
/// A ServiceEntry is kept with its endpoints in either form. An endpoint that is an object of its own becomes a
/// WorkloadEntry when somebody asks for it.
struct ResourceTable: Sendable {
    /// The rule for all hosts, which is wanted as long as there is an entry.
    let rule: DestinationRule?
    private(set) var entries: [ResourceKey: ServiceEntry] = [:]
    /// What stands in the mesh for each registry.
    private(set) var standing: [String: Standing] = [:]
    /// The endpoints that are objects of their own.
    private(set) var workloads: [ResourceKey: ServiceEntry.Endpoint] = [:]
    /// The number of resources. No resource is added beyond it.
    let limit: Int
    /// How many endpoints of a ServiceEntry have no object because of the limit.
    private(set) var leftOut: [ResourceKey: Int] = [:]

    init(rule: DestinationRule? = nil, limit: Int = .max) {
        self.rule = rule
        self.limit = limit
    }

    /// - Parameter services: How many services have an object. After a restart not all of them have an entry yet.
    func isFull(services: Int = 0) -> Bool { room(services: services) == 0 }

    /// How many more objects there may be.
    func room(services: Int = 0) -> Int { max(limit - max(entries.count, services) - workloads.count, 0) }

    /// Whether the endpoints of an entry can become objects of their own.
    func hasRoom(forWorkloadsOf entry: ServiceEntry) -> Bool {
        let earlier = entries[entry.key]
        if let earlier, !earlier.isInline { return true }
        return entries.count + (earlier == nil ? 1 : 0) + workloads.count + entry.endpoints.count <= limit
    }

    /// Why there is no room for more, for people.
    var refusal: String { "limits.objects allows \(limit) objects, which are there" }

    /// All resources, in any order.
    var resources: [Resource] {
        let rules = (rule?.key).flatMap { self[$0] }.map { [$0] } ?? []
        return entries.values.map { .serviceEntry($0) } + workloads.keys.compactMap { self[$0] } + rules
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
            guard let rule, rule.key == key, !entries.isEmpty else { return nil }
            return .destinationRule(rule)
        // Nothing translates into these.
        case .virtualService, .sidecar, .envoyFilter:
            return nil
        }
    }

    /// - Parameter changed: Gets the keys of the entry and of its WorkloadEntries that differ from before.
    /// - Returns: Whether any of them does.
    mutating func update(_ entry: ServiceEntry, _ changed: inout [ResourceKey]) -> Bool {
        let earlier = entries[entry.key]
        if earlier == entry, leftOut[entry.key] == nil { return false }
        let count = changed.count
        if let rule, entries.isEmpty { changed.append(rule.key) }
        if earlier != entry { changed.append(entry.key) }
        if let earlier { self.count(earlier, -1) }
        self.count(entry, 1)
        entries[entry.key] = entry
        updateWorkloads(from: earlier, to: entry, &changed)
        return changed.count > count
    }

    /// - Parameter changed: Gets the key, and the keys of the entry's WorkloadEntries.
    mutating func remove(_ key: ResourceKey, _ changed: inout [ResourceKey]) {
        changed.append(key)
        leftOut[key] = nil
        guard let entry = entries.removeValue(forKey: key) else { return }
        count(entry, -1)
        updateWorkloads(from: entry, to: nil, &changed)
        if let rule, entries.isEmpty { changed.append(rule.key) }
    }

    private mutating func count(_ entry: ServiceEntry, _ sign: Int) {
        for (name, count) in entry.endpointCounts {
            standing[name, default: Standing()].add(count, sign)
        }
    }

    private mutating func updateWorkloads(
        from old: ServiceEntry?, to new: ServiceEntry?, _ changed: inout [ResourceKey]
    ) {
        let before = old.flatMap { $0.isInline ? nil : $0 }
        let after = new.flatMap { $0.isInline ? nil : $0 }
        if before == nil, after == nil { return }
        let entry = new?.key ?? old?.key
        // A WorkloadEntry has the labels and annotations of its entry.
        let isRelabelled = before?.labels != after?.labels || before?.annotations != after?.annotations
        let isEachLookedAt = isRelabelled || entry.flatMap { leftOut[$0] } != nil
        var old = (before?.endpoints ?? [])[...]
        var new = (after?.endpoints ?? [])[...]
        if !isEachLookedAt {
            // Both are sorted, and one of thousands changes.
            while let first = old.first, first == new.first { (old, new) = (old.dropFirst(), new.dropFirst()) }
            while let last = old.last, last == new.last { (old, new) = (old.dropLast(), new.dropLast()) }
        }
        let known = Dictionary(old.map { (EndpointPlace($0), $0) }, uniquingKeysWith: { first, _ in first })
        let places = Set(new.map { EndpointPlace($0) })
        for (place, endpoint) in known where !places.contains(place) {
            guard let key = before?.workloadKey(of: endpoint) else { continue }
            workloads[key] = nil
            changed.append(key)
        }
        var refused = 0
        for endpoint in new where isEachLookedAt || known[EndpointPlace(endpoint)] != endpoint {
            guard let key = after?.workloadKey(of: endpoint) else { continue }
            if workloads[key] == nil, isFull() {
                refused += 1
            } else if workloads.updateValue(endpoint, forKey: key) != endpoint || isRelabelled {
                changed.append(key)
            }
        }
        if let entry { leftOut[entry] = refused == 0 ? nil : refused }
    }
}
