internal import Services
internal import Sources

/// How much one registry can make the bridge hold. Anyone who can write to a registry can register any number of
/// instances.
package struct CatalogLimits: Sendable, Hashable {
    package var instancesPerService: Int
    package var services: Int

    package init(instancesPerService: Int = 20_000, services: Int = 100_000) {
        self.instancesPerService = instancesPerService
        self.services = services
    }
}

/// What a registry announces beyond the limits. What was there first stays; the rest is counted.
struct Excess: Sendable, Hashable {
    /// The number of instances by service; of services that are known otherwise.
    var instances: [ServiceID: Int] = [:]
    /// The number of services, each time that one came.
    var services = 0

    var isEmpty: Bool { instances.isEmpty && services == 0 }
}

extension Admission {
    /// What is beyond the limits, for people.
    var notes: [RegistryNote] {
        var notes: [RegistryNote] = []
        let effect = "they are left out, since there was enough before"
        if excess.services > 0 {
            notes.append(
                RegistryNote(
                    sort: "servicesBeyondLimit", subject: "services beyond limits.services (\(limits.services))",
                    count: excess.services, examples: RegistryNote.examples(refusedNames), effect: effect))
        }
        if !excess.instances.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "instancesBeyondLimit",
                    subject: "instances beyond limits.instancesPerService (\(limits.instancesPerService))",
                    count: excess.instances.values.reduce(0, +),
                    examples: RegistryNote.examples(excess.instances.keys.lazy.map(\.description)),
                    effect: effect))
        }
        return notes
    }
}

/// Lets the events of one registry into its view as far as the limits allow.
struct Admission: Sendable {
    /// As many names of refused services are remembered, so that they can come when others go.
    private static let maximumNames = 1000

    let limits: CatalogLimits
    /// Of the live view.
    private(set) var excess = Excess()
    /// Of the read that is staged, and the number of new services that it has.
    private var staged: (excess: Excess, services: Int)?
    private var refusedNames: Set<String> = []

    init(limits: CatalogLimits) {
        self.limits = limits
    }

    /// The event without that which is beyond the limits.
    /// - Parameters:
    ///   - stagedRead: What a full read has built up so far. Events come into both views.
    ///   - seeds: What was known before the start.
    ///   - isFirst: Whether the registry was never read completely. Then the seeds may be its own.
    mutating func admit(
        _ event: SourceEvent, into view: View, _ stagedRead: View?, seeds: [ServiceID: ServiceSeed], isFirst: Bool
    ) -> SourceEvent? {
        switch event {
        case .begin:
            staged = (Excess(), 0)
            // The read finds those that are still there.
            refusedNames = []
        case .complete:
            if let staged { excess = staged.excess }
            staged = nil
        case .interrupted:
            staged = nil
        case .services(let name, let services):
            return .services(name: name, admit(services, of: name, into: view, seeds: seeds, isFirst: isFirst))
        case .added(let id, let key, _):
            guard let table = view.services[id] else {
                if view.services.count + (staged?.services ?? 0) < limits.services || seeds[id] != nil { break }
                refuse(id)
                return nil
            }
            let count = max(table.count, stagedRead?.services[id]?.count ?? 0)
            if count < limits.instancesPerService || table[key] != nil { break }
            excess.instances[id, default: 0] += 1
            return nil
        case .removed(let id, let key, _):
            guard let count = excess.instances[id], view.services[id]?[key] == nil else { break }
            excess.instances[id] = count > 1 ? count - 1 : nil
        case .unreadable, .notes: break
        }
        return event
    }

    private mutating func admit(
        _ services: SourceEvent.Instances, of name: String, into view: View, seeds: [ServiceID: ServiceSeed],
        isFirst: Bool
    ) -> SourceEvent.Instances {
        refusedNames.remove(name)
        if staged == nil {
            for id in excess.instances.keys where id.isNamed(name) { excess.instances[id] = nil }
        }
        var admitted = services
        // The order decides which of several comes first.
        for (id, instances) in services.sorted(by: { $0.key < $1.key }) where !instances.isEmpty {
            if view.services[id] == nil, seeds[id] == nil {
                let count = max(view.services.count, isFirst ? seeds.count : 0) + (staged?.services ?? 0)
                guard count < limits.services else {
                    admitted[id] = nil
                    refuse(id)
                    continue
                }
                staged?.services += 1
            }
            if instances.count <= limits.instancesPerService { continue }
            admitted[id] = first(of: instances, view.services[id], seeds[id])
            let count = instances.count - limits.instancesPerService
            if staged == nil { excess.instances[id] = count } else { staged?.excess.instances[id] = count }
        }
        return admitted
    }

    /// As many as the limit allows: those that are known, and then any others.
    private func first(
        of instances: [InstanceKey: Instance], _ known: InstanceTable?, _ seed: ServiceSeed?
    ) -> [InstanceKey: Instance] {
        let seeded = Set((seed?.instances ?? []).map(\.endpoint))
        func isKnown(_ key: InstanceKey, _ instance: Instance) -> Bool {
            known?[key] != nil || seeded.contains(instance.endpoint)
        }
        var first = instances.filter { isKnown($0.key, $0.value) }
        if first.count > limits.instancesPerService {
            first = Dictionary(
                uniqueKeysWithValues: first.prefix(limits.instancesPerService).map { ($0.key, $0.value) })
        }
        for (key, instance) in instances where first[key] == nil {
            if first.count >= limits.instancesPerService { break }
            first[key] = instance
        }
        return first
    }

    private mutating func refuse(_ id: ServiceID) {
        if staged == nil { excess.services += 1 } else { staged?.excess.services += 1 }
        if refusedNames.count < Self.maximumNames { refusedNames.insert(id.name) }
    }

    /// The names that should be read again, since there is room for what was refused of them.
    /// - Parameter event: The event that the view has taken.
    mutating func namesWithRoom(after event: SourceEvent, in view: View) -> Set<String> {
        if excess.isEmpty || staged != nil { return [] }
        var names: Set<String> = []
        if case .removed(let id, _, _) = event, excess.instances[id] != nil,
            view.services[id].map({ $0.count < limits.instancesPerService }) ?? true
        {
            names.insert(id.name)
        }
        let room = limits.services - view.services.count
        if room > 0, excess.services > 0 {
            let taken = refusedNames.prefix(room)
            names.formUnion(taken)
            refusedNames.subtract(taken)
            excess.services = refusedNames.isEmpty ? 0 : max(excess.services - taken.count, refusedNames.count)
        }
        return names
    }
}
