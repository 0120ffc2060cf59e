/// The last good picture of each registry, and the services that they describe together.
///
/// A pure state machine: events go in, the services whose description may have changed come out.
package struct CatalogStore: Sendable {
    /// How far a registry can be believed.
    package enum Health: Hashable, Sendable {
        /// No full read was ever complete.
        case starting(reason: String)
        case healthy
        /// Something was complete once; this is why it isn't being followed now.
        case stale(reason: String)
    }

    fileprivate struct Picture {
        var services: SourceEvent.Instances = [:]
        var names: [String: Set<ServiceID>] = [:]
        /// What could not be used and was never known before: whether anybody serves it can't be said.
        var unknown: Set<String> = []

        /// - Parameter instance: `nil` removes it.
        /// - Returns: Whether that changed anything.
        mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> Bool {
            guard services[id]?[key] != instance else { return false }
            services[id, default: [:]][key] = instance
            if services[id]?.isEmpty == true { set(id, nil) } else { names[id.name, default: []].insert(id) }
            return true
        }

        mutating func set(_ id: ServiceID, _ instances: [InstanceKey: Instance]?) {
            services[id] = instances
            if instances == nil {
                names[id.name]?.remove(id)
                if names[id.name]?.isEmpty == true { names[id.name] = nil }
            } else {
                names[id.name, default: []].insert(id)
            }
        }
    }

    fileprivate struct Registry {
        var name: String
        var picture = Picture()
        /// The picture that a full read is drawing.
        var shadow: Picture?
        var health = Health.starting(reason: "nothing was read yet")
        var hasBeenComplete = false
    }

    fileprivate var registries: [Registry]

    /// - Parameter registries: Their names, the one that wins a disagreement first.
    package init(registries: [String]) {
        self.registries = registries.map { Registry(name: $0) }
    }

    /// The registries that have been read completely at least once, so that what they don't announce is known.
    package var completeRegistries: Set<String> { Set(registries.lazy.filter(\.hasBeenComplete).map(\.name)) }

    /// Whether every registry has been read completely at least once.
    package var isComplete: Bool { registries.allSatisfy(\.hasBeenComplete) }

    /// Whether every registry has been read completely and is being followed.
    package var isHealthy: Bool { registries.allSatisfy { $0.health == .healthy } }

    /// The names of which some registry says only what can't be used, and said nothing else since the start.
    package var unknownNames: Set<String> { registries.reduce(into: []) { $0.formUnion($1.picture.unknown) } }

    /// Whether a name is one of `unknownNames`.
    package func isUnknown(_ name: String) -> Bool { registries.contains { $0.picture.unknown.contains(name) } }

    package var health: [(registry: String, health: Health)] { registries.map { ($0.name, $0.health) } }

    /// - Returns: The services that may have changed, sorted.
    package mutating func apply(_ event: SourceEvent, from registry: String) -> [ServiceID] {
        guard let index = registries.firstIndex(where: { $0.name == registry }) else { return [] }
        return registries[index].apply(event).sorted()
    }
}

// MARK: - Events

extension CatalogStore.Registry {
    fileprivate mutating func apply(_ event: SourceEvent) -> Set<ServiceID> {
        switch event {
        case .begin:
            shadow = CatalogStore.Picture()
            return []
        case .services(let name, let services):
            return replace(name, with: services)
        case .unreadable(let name, _):
            keep(name)
            return []
        case .complete:
            return swapIn()
        case .interrupted(let reason):
            shadow = nil
            health = hasBeenComplete ? .stale(reason: reason) : .starting(reason: reason)
            return []
        case .added(let id, let key, let instance):
            picture.unknown.remove(id.name)
            shadow?.unknown.remove(id.name)
            return set(key, of: id, instance)
        case .removed(let id, let key):
            return set(key, of: id, nil)
        }
    }

    /// A change is newer than what a full read has drawn so far, hence it counts in both pictures.
    private mutating func set(_ key: InstanceKey, of id: ServiceID, _ instance: Instance?) -> Set<ServiceID> {
        _ = shadow?.set(key, of: id, instance)
        return picture.set(key, of: id, instance) ? [id] : []
    }

    private mutating func replace(_ name: String, with services: SourceEvent.Instances) -> Set<ServiceID> {
        if shadow != nil {
            for (id, instances) in services where !instances.isEmpty {
                // Two spellings of one name may stand side by side.
                let spelledOtherwise = shadow?.services[id] ?? [:]
                shadow?.set(id, spelledOtherwise.merging(instances) { $1 })
            }
            return []
        }
        picture.unknown.remove(name)
        let affected = (picture.names[name] ?? []).union(services.keys)
        let changed = affected.filter { (picture.services[$0] ?? [:]) != (services[$0] ?? [:]) }
        for id in changed {
            let instances = services[id] ?? [:]
            picture.set(id, instances.isEmpty ? nil : instances)
        }
        return changed
    }

    private mutating func keep(_ name: String) {
        guard shadow != nil else { return }
        if !hasBeenComplete || picture.unknown.contains(name) { shadow?.unknown.insert(name) }
        for id in picture.names[name] ?? [] {
            let spelledOtherwise = shadow?.services[id] ?? [:]
            shadow?.set(id, spelledOtherwise.merging(picture.services[id] ?? [:]) { read, _ in read })
        }
    }

    private mutating func swapIn() -> Set<ServiceID> {
        guard let complete = shadow.take() else { return [] }
        let before = picture
        picture = complete
        health = .healthy
        hasBeenComplete = true
        var changed: Set<ServiceID> = []
        for (id, instances) in picture.services where before.services[id] != instances { changed.insert(id) }
        for id in before.services.keys where picture.services[id] == nil { changed.insert(id) }
        return changed
    }
}

// MARK: - Services

extension CatalogStore {
    /// The service as the registries together describe it; without instances when none announces it.
    package func service(_ id: ServiceID) -> Service {
        var newest: [Endpoint: Instance] = [:]
        var announcing: [String] = []
        for registry in registries {
            guard let instances = registry.picture.services[id] else { continue }
            announcing.append(registry.name)
            for instance in instances.values {
                let endpoint = Endpoint(instance)
                // A restarted provider stands twice until its former session ends, and one that registers twice stands
                // in two registries: the newer entry describes it.
                if let other = newest[endpoint], !instance.supersedes(other) { continue }
                newest[endpoint] = instance
            }
        }
        return Service(id: id, instances: newest.sorted { $0.key < $1.key }.map(\.value), registries: announcing)
    }

    /// The services that have instances, sorted.
    package var serviceIDs: [ServiceID] {
        Set(registries.flatMap(\.picture.services.keys)).sorted()
    }

    private struct Endpoint: Hashable, Comparable {
        var host: InstanceHost
        var port: UInt16
        var `protocol`: ApplicationProtocol

        init(_ instance: Instance) {
            host = instance.host
            port = instance.port
            `protocol` = instance.protocol
        }

        static func < (left: Endpoint, right: Endpoint) -> Bool {
            (left.host, left.port, left.protocol) < (right.host, right.port, right.protocol)
        }
    }
}

extension Instance {
    /// Whether this description of an endpoint counts more than another: the newer one, and between equally old ones
    /// a choice that doesn't depend on their order.
    fileprivate func supersedes(_ other: Instance) -> Bool {
        if startTime != other.startTime { return startTime > other.startTime }
        if isEnabled != other.isEnabled { return !isEnabled }
        if weight != other.weight { return weight < other.weight }
        if application != other.application { return application < other.application }
        return attributes.lexicographicallyPrecedes(other.attributes)
    }
}
