/// What one registry says: its instances by service, and the names of which it says only what can't be used.
struct Picture: Sendable {
    private(set) var services: SourceEvent.Instances = [:]
    private(set) var names: [String: Set<ServiceID>] = [:]
    /// How many instances there are in all.
    private(set) var count = 0
    /// Why what is said of a name can't be used.
    var unreadable: [String: String] = [:]
    /// The unreadable names that were never known before: whether anybody serves them can't be said.
    var unknown: Set<String> = []

    /// - Parameter instance: `nil` removes it.
    mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> PictureChange {
        var change = PictureChange()
        let before = services[id]?[key]
        guard before != instance else { return change }
        services[id, default: [:]][key] = instance
        count += (instance == nil ? 0 : 1) - (before == nil ? 0 : 1)
        if services[id]?.isEmpty == true { forget(id) } else { names[id.name, default: []].insert(id) }
        change.services.insert(id)
        if let before, before.endpoint != instance?.endpoint, !announces(before.endpoint, of: id) {
            change.lost[id] = [before]
        }
        if let instance, instance.endpoint != before?.endpoint, !announces(instance.endpoint, of: id, besides: key) {
            change.gained[id] = [instance.endpoint]
        }
        return change
    }

    /// - Parameter instances: None forgets the service.
    mutating func replace(_ id: ServiceID, with instances: [InstanceKey: Instance]) -> PictureChange {
        var change = PictureChange()
        change.add(id, from: services[id] ?? [:], to: instances)
        draw(id, instances)
        return change
    }

    /// As `replace`, where nobody asks what changes.
    mutating func draw(_ id: ServiceID, _ instances: [InstanceKey: Instance]) {
        count += instances.count - (services[id]?.count ?? 0)
        if instances.isEmpty {
            forget(id)
        } else {
            services[id] = instances
            names[id.name, default: []].insert(id)
        }
    }

    func announces(_ endpoint: Endpoint, of id: ServiceID, besides key: InstanceKey? = nil) -> Bool {
        services[id]?.contains { $0.key != key && $0.value.endpoint == endpoint } ?? false
    }

    func change(to new: Picture) -> PictureChange {
        var change = PictureChange()
        for (id, instances) in new.services { change.add(id, from: services[id] ?? [:], to: instances) }
        for (id, instances) in services where new.services[id] == nil { change.add(id, from: instances, to: [:]) }
        return change
    }

    private mutating func forget(_ id: ServiceID) {
        services[id] = nil
        names[id.name]?.remove(id)
        if names[id.name]?.isEmpty == true { names[id.name] = nil }
    }
}

/// The step from one picture of a registry to the next.
package struct PictureChange: Sendable, Hashable {
    /// Whose description differs.
    package var services: Set<ServiceID> = []
    /// What nobody announces any more, by service: the descriptions that it had.
    package var lost: [ServiceID: [Instance]] = [:]
    /// What was not announced before.
    package var gained: [ServiceID: [Endpoint]] = [:]

    package init() {}

    var lostCount: Int { lost.values.reduce(0) { $0 + $1.count } }

    mutating func add(_ id: ServiceID, from before: [InstanceKey: Instance], to after: [InstanceKey: Instance]) {
        if before == after { return }
        services.insert(id)
        let old = Set(before.values.lazy.map(\.endpoint))
        let new = Set(after.values.lazy.map(\.endpoint))
        let gained = new.subtracting(old)
        if !gained.isEmpty { self.gained[id] = gained.sorted() }
        var missing = old.subtracting(new)
        let lost = before.values.filter { missing.remove($0.endpoint) != nil }
        if !lost.isEmpty { self.lost[id] = lost }
    }

    mutating func merge(_ other: PictureChange) {
        services.formUnion(other.services)
        lost.merge(other.lost) { $0 + $1 }
        gained.merge(other.gained) { $0 + $1 }
    }
}
