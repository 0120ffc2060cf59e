package import Services

/// The state that one registry shows: its instances by service, and the names of which it shows nothing usable.
struct View: Sendable {
    private(set) var services: [ServiceID: InstanceTable] = [:]
    /// The services of each name, in any order.
    private(set) var names: [String: [ServiceID]] = [:]
    /// The number of instances of all services.
    private(set) var count = 0
    /// How many of them are healthy. To the guard an instance that becomes unhealthy is lost, so that a registry whose
    /// checks fail all at once looks like what it is: a failure.
    private(set) var healthyCount = 0
    /// Why nothing that the registry says of a name can be used, by name.
    var unreadable: [String: String] = [:]
    /// The unreadable names that were read, and none of whose registrations can be used.
    var answered: Set<String> = []
    /// How many instances the registry holds that its source does not carry.
    var uncarried = 0
    /// The unreadable names that were never readable: nobody can say whether they have instances.
    var unknown: Set<String> = []

    /// - Parameter instance: `nil` removes it. One that announces its endpoint for the first time comes after the
    ///   others that announce it.
    mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> ViewChange {
        var change = ViewChange()
        let before = services[id]?[key]
        let known = before.flatMap { $0.endpoint == instance?.endpoint ? $0.succession : nil }
        let place = known ?? services[id]?.nextSuccession(at: instance?.endpoint) ?? 0
        let instance = instance.map { $0.at(place) }
        guard before != instance else { return change }
        if services[id] == nil { addName(of: id) }
        services[id, default: InstanceTable()][key] = instance
        count += (instance == nil ? 0 : 1) - (before == nil ? 0 : 1)
        healthyCount += (instance?.isHealthy == true ? 1 : 0) - (before?.isHealthy == true ? 1 : 0)
        if services[id]?.isEmpty == true { remove(id) }
        change.services.insert(id)
        let (lost, gained) = (before.flatMap(\.servedEndpoint), instance.flatMap(\.servedEndpoint))
        if lost != gained, let lost, let before, !serves(lost, of: id) { change.removals[id] = [before] }
        if lost != gained, let gained, !serves(gained, of: id, besides: key) { change.additions[id] = [gained] }
        return change
    }

    /// - Parameter instances: An empty table removes the service.
    mutating func replace(_ id: ServiceID, with instances: InstanceTable) -> ViewChange {
        var change = ViewChange()
        change.add(id, from: services[id], to: instances)
        put(id, instances)
        return change
    }

    /// Does the same as `replace`, without finding out what changes.
    /// - Parameter earlier: The view before this one. Whatever is still the same shares its memory.
    mutating func put(_ id: ServiceID, _ instances: InstanceTable, sharing earlier: View? = nil) {
        let known = services[id]
        count += instances.count - (known?.count ?? 0)
        healthyCount += instances.healthyCount - (known?.healthyCount ?? 0)
        if instances.isEmpty { return remove(id) }
        guard let earlier, let index = earlier.services.index(forKey: id) else {
            if known == nil { addName(of: id) }
            services[id] = instances
            return
        }
        let same = earlier.services[index]
        if known == nil { addName(of: same.key, sharing: earlier) }
        services[same.key] = same.value == instances ? same.value : instances
    }

    private mutating func addName(of id: ServiceID, sharing earlier: View? = nil) {
        names[id.name, default: []].append(id)
        if let earlier, let same = earlier.names[id.name], same == names[id.name] { names[id.name] = same }
    }

    /// Whether the registry shows that it holds nothing at all.
    var isEmpty: Bool { count == 0 && uncarried == 0 }

    /// The services of a name, by its bytes.
    func services(named name: String) -> [ServiceID] { (names[name] ?? []).filter { $0.isNamed(name) } }

    /// Whether a healthy instance of the service is at the endpoint.
    func serves(_ endpoint: Endpoint, of id: ServiceID, besides key: InstanceKey? = nil) -> Bool {
        services[id]?.serves(endpoint, besides: key) ?? false
    }

    /// Whether a service has a healthy instance.
    func serves(_ id: ServiceID) -> Bool { services[id]?.entries.contains { $0.instance.isHealthy } ?? false }

    func change(to new: View) -> ViewChange {
        var change = ViewChange()
        for (id, instances) in new.services { change.add(id, from: services[id], to: instances) }
        for (id, instances) in services where new.services[id] == nil { change.add(id, from: instances, to: nil) }
        return change
    }

    private mutating func remove(_ id: ServiceID) {
        guard services.removeValue(forKey: id) != nil else { return }
        names[id.name]?.removeAll { $0 == id }
        if names[id.name]?.isEmpty == true { names[id.name] = nil }
    }
}

extension Instance {
    /// The endpoint of a healthy instance.
    fileprivate var servedEndpoint: Endpoint? { isHealthy ? endpoint : nil }
}

/// The difference between two views of a registry.
package struct ViewChange: Sendable, Hashable {
    /// The services whose description differs.
    package var services: Set<ServiceID> = []
    /// The instances whose endpoint is no healthy instance's any more, as they were described before.
    package var removals: [ServiceID: [Instance]] = [:]
    /// The endpoints that were no healthy instance's before.
    package var additions: [ServiceID: [Endpoint]] = [:]

    package init() {}

    var removalCount: Int { removals.values.reduce(0) { $0 + $1.count } }

    mutating func add(_ id: ServiceID, from before: InstanceTable?, to after: InstanceTable?) {
        let before = before ?? InstanceTable()
        let after = after ?? InstanceTable()
        if before == after { return }
        services.insert(id)
        let old = Set(before.healthy.map(\.endpoint))
        let new = Set(after.healthy.map(\.endpoint))
        let added = new.subtracting(old)
        if !added.isEmpty { additions[id] = added.sorted() }
        var missing = old.subtracting(new)
        let removed = before.healthy.filter { missing.remove($0.endpoint) != nil }
        if !removed.isEmpty { removals[id] = removed }
    }

    mutating func merge(_ other: ViewChange) {
        services.formUnion(other.services)
        removals.merge(other.removals) { $0 + $1 }
        additions.merge(other.additions) { $0 + $1 }
    }
}
