internal import Dubbo
internal import Nacos
internal import Services
internal import Sources

/// The last answer about each service of a Nacos registry, and the instances whose absence is not believed yet.
///
/// A server that has just started answers "nothing" with success until the providers have come back. Therefore an
/// instance that is missing from the first answer of a connection stays for a while (`absenceDelay`), unless it was
/// seen on this connection before. After that time its removal is reported like any other, and the guard judges it.
///
/// It is a pure state machine: answers and the time go in, changes for the follower come out.
struct NacosView: Sendable {
    /// One instance of one service of the mesh.
    struct Place: Hashable {
        var service: ServiceID
        var key: InstanceKey
    }

    struct Entry {
        /// The instances that the follower is told of.
        var shown: SourceEvent.Instances = [:]
        /// Those of `shown` that no answer of this connection has.
        var awaited: Set<Place> = []
        /// The connection that the last usable answer came over.
        var generation: UInt64 = 0
        /// The number of the last answer among the client's messages.
        var position: UInt64 = 0
        var unusable: [NacosReading.Unusable] = []
        /// Whether the last answer has instances, and none of them can be used. `shown` is of the answer before it.
        var isUnusable = false
        var isProtected = false
        /// The full lists of names in a row that lack it.
        var missedLists = 0
    }

    /// A connection on which absence is not believed yet.
    struct Wait {
        var generation: UInt64
        var end: Duration
    }

    let absenceDelay: Duration
    /// The number of services that are followed at most.
    let limit: Int
    var entries: [NacosService: Entry] = [:]
    /// The services whose instances may serve a name.
    var names: [String: Set<NacosService>] = [:]
    /// By namespace.
    var waits: [String: Wait] = [:]
    var unread = UnreadRegistrations()
    /// The services that are not followed because there are too many.
    private(set) var beyondLimit: Set<NacosService> = []
    /// The number of changes so far. An answer that is composed later has a higher one.
    private(set) var revision: Position = 0

    init(absenceDelay: Duration, limit: Int = 200_000) {
        self.absenceDelay = absenceDelay
        self.limit = limit
    }
}

// MARK: - Names

extension NacosView {
    /// Takes over a full list of a namespace's names.
    /// - Returns: The services that are new, and those that are not worth a subscription any more.
    mutating func listed(
        _ services: Set<NacosService>, in namespace: String
    ) -> (new: [NacosService], forgotten: [NacosService]) {
        beyondLimit = beyondLimit.filter { $0.namespace != namespace || services.contains($0) }
        var forgotten: [NacosService] = []
        for service in entries.keys where service.namespace == namespace && !services.contains(service) {
            entries[service]?.missedLists += 1
            // A page may miss a name, and hosts decide whether a service has instances.
            if let entry = entries[service], entry.missedLists > 1, entry.shown.isEmpty { forgotten.append(service) }
        }
        for service in forgotten { forget(service) }
        return (services.sorted().filter { add($0) }, forgotten.sorted())
    }

    /// A service has come.
    /// - Returns: Whether it is new.
    mutating func add(_ service: NacosService) -> Bool {
        if entries[service] != nil {
            entries[service]?.missedLists = 0
            return false
        }
        let served = service.servedNames
        if served.isEmpty { return false }
        guard entries.count < limit else {
            // The set is only counted. Its size is bounded too.
            if beyondLimit.count < limit { beyondLimit.insert(service) }
            return false
        }
        beyondLimit.remove(service)
        entries[service] = Entry()
        for name in served { names[name, default: []].insert(service) }
        return true
    }

    private mutating func forget(_ service: NacosService) {
        entries[service] = nil
        note(service, NacosReading())
        for name in service.servedNames {
            names[name]?.remove(service)
            if names[name]?.isEmpty == true { names[name] = nil }
        }
    }

    /// The services that are asked for a name.
    func services(named name: String) -> [NacosService] { (names[name] ?? []).sorted() }

    /// The services that are followed.
    var services: [NacosService] { entries.keys.sorted() }
}

// MARK: - Answers

extension NacosView {
    /// A connection of a namespace's client stands.
    mutating func connected(_ namespace: String, generation: UInt64, now: Duration) {
        let services = entries.filter { $0.key.namespace == namespace && !$0.value.shown.isEmpty }.keys
        // What was missing before has to be missing on this connection too.
        for service in services { entries[service]?.awaited = [] }
        waits[namespace] = services.isEmpty ? nil : Wait(generation: generation, end: now + absenceDelay)
    }

    /// Takes over an answer or a push.
    /// - Returns: What changed.
    mutating func answered(
        _ service: NacosService, _ reading: NacosReading, generation: UInt64, position: UInt64, now: Duration
    ) -> [RegistryChange] {
        guard let before = entries[service], position > before.position else { return [] }
        var entry = before
        entry.position = position
        entry.unusable = reading.unusable
        entry.isProtected = reading.isProtected
        entry.isUnusable = reading.isUnusable
        if !reading.isUnusable {
            let isWaiting = waits[service.namespace].map { $0.generation == generation && now < $0.end } ?? false
            entry.take(reading.services, isWaiting: isWaiting, isFirst: entry.generation != generation)
            entry.generation = generation
        }
        entries[service] = entry
        note(service, reading)
        if before.isUnusable != entry.isUnusable {
            revision += 1
            return service.servedNames.map { .changed(name: $0) }
        }
        return changes(from: before.shown, to: entry.shown)
    }

    /// When `timePassed` is due.
    var deadline: Duration? { waits.values.map(\.end).min() }

    /// From now on, absence is believed on connections that have stood for long enough.
    /// - Returns: The removals of the instances that did not come back.
    mutating func timePassed(now: Duration) -> [RegistryChange] {
        let namespaces = Set(waits.filter { $0.value.end <= now }.keys)
        if namespaces.isEmpty { return [] }
        for namespace in namespaces { waits[namespace] = nil }
        var changes: [RegistryChange] = []
        for service in entries.keys.sorted() where namespaces.contains(service.namespace) {
            guard let before = entries[service], !before.awaited.isEmpty else { continue }
            entries[service]?.dropAwaited()
            changes += self.changes(from: before.shown, to: entries[service]?.shown ?? [:])
        }
        return changes
    }

    /// All that is known of a name.
    func reading(of name: String) -> Reading {
        var services: SourceEvent.Instances = [:]
        var isUsable = false
        var unusable = 0
        for service in names[name] ?? [] {
            guard let entry = entries[service] else { continue }
            // An instance that can't be used does not tell which of the names it would serve.
            if service.servedNames.first == name { unusable += entry.unusable.count }
            for (id, instances) in entry.shown where id.isNamed(name) {
                services[id, default: [:]].merge(instances) { $1 }
                if !entry.isUnusable { isUsable = true }
            }
        }
        let content: Reading.Content =
            !isUsable && unusable > 0
            ? .unusable(reason: "none of its \(unusable) instances can be used") : .services(services)
        return Reading(content, unusableCount: unusable, position: revision)
    }

    /// Additions come first, so that a service whose instances are all replaced is never without one.
    private mutating func changes(
        from before: SourceEvent.Instances, to after: SourceEvent.Instances
    ) -> [RegistryChange] {
        if before == after { return [] }
        revision += 1
        var changes: [RegistryChange] = []
        for (id, instances) in after.sorted(by: { $0.key < $1.key }) {
            for (key, instance) in instances.sorted(by: { $0.key < $1.key }) where before[id]?[key] != instance {
                changes.append(.instance(InstanceChange(id, key, instance, position: revision)))
            }
        }
        for (id, instances) in before.sorted(by: { $0.key < $1.key }) {
            for key in instances.keys.sorted() where after[id]?[key] == nil {
                changes.append(.instance(InstanceChange(id, key, nil, position: revision)))
            }
        }
        return changes
    }
}

extension NacosView.Entry {
    /// - Parameters:
    ///   - isWaiting: Whether absence is not believed yet.
    ///   - isFirst: Whether no other answer came over this connection.
    mutating func take(_ services: SourceEvent.Instances, isWaiting: Bool, isFirst: Bool) {
        let known = shown
        let awaited = self.awaited
        shown = services.filter { !$0.value.isEmpty }
        self.awaited = []
        guard isWaiting else { return }
        let candidates = isFirst ? Self.places(of: known) : awaited
        for place in candidates {
            guard let instance = known[place.service]?[place.key] else { continue }
            // An instance that came back in another cluster has another key.
            let isBack = services[place.service]?.values.contains { $0.endpoint == instance.endpoint } ?? false
            if isBack { continue }
            shown[place.service, default: [:]][place.key] = instance
            self.awaited.insert(place)
        }
    }

    private static func places(of instances: SourceEvent.Instances) -> Set<NacosView.Place> {
        Set(instances.flatMap { id, instances in instances.keys.map { NacosView.Place(service: id, key: $0) } })
    }

    mutating func dropAwaited() {
        for place in awaited {
            shown[place.service]?[place.key] = nil
            if shown[place.service]?.isEmpty == true { shown[place.service] = nil }
        }
        awaited = []
    }
}
