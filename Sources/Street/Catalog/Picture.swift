package import Services

/// What one registry says: its instances by service, and the names of which it says only what can't be used.
struct Picture: Sendable {
    private(set) var services: [ServiceID: InstanceTable] = [:]
    /// The groups and versions of each name, in any order.
    private(set) var names: [String: [ServiceID]] = [:]
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
        if services[id] == nil { name(id) }
        services[id, default: InstanceTable()][key] = instance
        count += (instance == nil ? 0 : 1) - (before == nil ? 0 : 1)
        if services[id]?.isEmpty == true { forget(id) }
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
    mutating func replace(_ id: ServiceID, with instances: InstanceTable) -> PictureChange {
        var change = PictureChange()
        change.add(id, from: services[id], to: instances)
        draw(id, instances)
        return change
    }

    /// As `replace`, where nobody asks what changes.
    /// - Parameter earlier: What is still as it was there is not kept a second time.
    mutating func draw(_ id: ServiceID, _ instances: InstanceTable, sharing earlier: Picture? = nil) {
        let known = services[id]
        count += instances.count - (known?.count ?? 0)
        if instances.isEmpty { return forget(id) }
        guard let earlier, let index = earlier.services.index(forKey: id) else {
            if known == nil { name(id) }
            services[id] = instances
            return
        }
        let same = earlier.services[index]
        if known == nil { name(same.key, sharing: earlier) }
        services[same.key] = same.value == instances ? same.value : instances
    }

    private mutating func name(_ id: ServiceID, sharing earlier: Picture? = nil) {
        names[id.name, default: []].append(id)
        if let earlier, let same = earlier.names[id.name], same == names[id.name] { names[id.name] = same }
    }

    func announces(_ endpoint: Endpoint, of id: ServiceID, besides key: InstanceKey? = nil) -> Bool {
        services[id]?.announces(endpoint, besides: key) ?? false
    }

    func change(to new: Picture) -> PictureChange {
        var change = PictureChange()
        for (id, instances) in new.services { change.add(id, from: services[id], to: instances) }
        for (id, instances) in services where new.services[id] == nil { change.add(id, from: instances, to: nil) }
        return change
    }

    private mutating func forget(_ id: ServiceID) {
        guard services.removeValue(forKey: id) != nil else { return }
        names[id.name]?.removeAll { $0 == id }
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

    mutating func add(_ id: ServiceID, from before: InstanceTable?, to after: InstanceTable?) {
        let before = before ?? InstanceTable()
        let after = after ?? InstanceTable()
        if before == after { return }
        services.insert(id)
        let old = Set(before.instances.map(\.endpoint))
        let new = Set(after.instances.map(\.endpoint))
        let gained = new.subtracting(old)
        if !gained.isEmpty { self.gained[id] = gained.sorted() }
        var missing = old.subtracting(new)
        let lost = before.instances.filter { missing.remove($0.endpoint) != nil }
        if !lost.isEmpty { self.lost[id] = lost }
    }

    mutating func merge(_ other: PictureChange) {
        services.formUnion(other.services)
        lost.merge(other.lost) { $0 + $1 }
        gained.merge(other.gained) { $0 + $1 }
    }
}
