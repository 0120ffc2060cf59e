internal import Services
package import Sources

/// What one answer about one service of a registry says.
package struct RegistrationReading: Sendable, Equatable {
    package struct Unusable: Sendable, Equatable {
        /// `HOST:PORT`, as registered.
        package var address: String
        package var reason: String

        package init(address: String, reason: String) {
            self.address = address
            self.reason = reason
        }
    }

    package var services: SourceEvent.Instances = [:]
    package var unusable: [Unusable] = []

    package init() {}

    /// Whether there are instances, and none of them can be used.
    package var isUnusable: Bool { services.isEmpty && !unusable.isEmpty }
}

/// The last reading of each service of a registry, and which of them serve a name of the mesh.
///
/// Several services of a registry may have one name: of two datacenters, for example. So what the follower is told of a
/// name is put together from the readings of all of them. Each such answer has a higher position than the one before.
package struct RegistrationTable<Key: Hashable & Comparable & Sendable>: Sendable {
    private struct Entry {
        var names: [String]
        /// `nil` before the first answer.
        var reading: RegistrationReading?
        /// What the last usable reading showed.
        var shown: SourceEvent.Instances = [:]
    }

    /// The number of services that are followed at most.
    package let limit: Int
    private var entries: [Key: Entry] = [:]
    private var keys: [String: Set<Key>] = [:]
    /// The number of services that are not followed because there are too many.
    package private(set) var beyondLimit = 0
    /// The number of changes so far.
    package private(set) var revision: Position = 0

    package init(limit: Int = 200_000) {
        self.limit = limit
    }

    /// The services that are followed, sorted.
    package var services: [Key] { entries.keys.sorted() }

    /// The names that they may serve, sorted.
    package var names: [String] { keys.keys.sorted() }

    package func services(named name: String) -> [Key] { (keys[name] ?? []).sorted() }

    package func contains(_ key: Key) -> Bool { entries[key] != nil }

    /// Whether the last usable reading showed an instance.
    package func showsAny(_ key: Key) -> Bool { entries[key]?.shown.isEmpty == false }

    /// The services that show an instance.
    package var shownServices: [Key] { entries.filter { !$0.value.shown.isEmpty }.keys.sorted() }

    /// The instances that can't be used, by service.
    package var unusable: [(key: Key, instances: [RegistrationReading.Unusable])] {
        entries.compactMap { key, entry in
            entry.reading.flatMap { $0.unusable.isEmpty ? nil : (key, $0.unusable) }
        }.sorted { $0.key < $1.key }
    }

    /// Forgets how many were too many: a full list follows.
    package mutating func beginList() { beyondLimit = 0 }

    /// A service has come.
    /// - Parameter names: Of the mesh, which it may serve.
    /// - Returns: Whether it is new.
    package mutating func add(_ key: Key, names: [String]) -> Bool {
        if entries[key] != nil || names.isEmpty { return false }
        guard entries.count < limit else {
            beyondLimit += 1
            return false
        }
        entries[key] = Entry(names: names)
        for name in names { keys[name, default: []].insert(key) }
        return true
    }

    package mutating func forget(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        for name in entry.names {
            keys[name]?.remove(key)
            if keys[name]?.isEmpty == true { keys[name] = nil }
        }
    }

    /// Takes over an answer.
    /// - Returns: The names of which something changed.
    package mutating func answered(_ key: Key, _ reading: RegistrationReading) -> [String] {
        guard let before = entries[key], before.reading != reading else { return [] }
        entries[key]?.reading = reading
        if !reading.isUnusable { entries[key]?.shown = reading.services.filter { !$0.value.isEmpty } }
        // An answer that shows no more and no less than before is news where the one before could not be used.
        let isNews =
            entries[key]?.shown != before.shown || before.reading?.isUnusable != reading.isUnusable
        guard isNews else { return [] }
        revision += 1
        return before.names
    }

    /// All that is known of a name.
    package func reading(of name: String) -> Reading {
        var services: SourceEvent.Instances = [:]
        var isUsable = false
        var unusable = 0
        var reason: String?
        for key in keys[name] ?? [] {
            guard let entry = entries[key] else { continue }
            unusable += entry.reading?.unusable.count ?? 0
            reason = reason ?? entry.reading?.unusable.first?.reason
            for (id, instances) in entry.shown where id.isNamed(name) {
                services[id, default: [:]].merge(instances) { $1 }
                if entry.reading?.isUnusable == false { isUsable = true }
            }
        }
        let content: Reading.Content =
            !isUsable && unusable > 0
            ? .unusable(reason: "none of its \(unusable) instances can be used; of the first, \(reason ?? "")")
            : .services(services)
        return Reading(content, unusableCount: unusable, position: revision)
    }
}

extension RegistrationTable where Key: CustomStringConvertible {
    /// What is not carried, for people.
    package var notes: [RegistryNote] {
        var notes: [RegistryNote] = []
        let unusable = self.unusable
        let count = unusable.reduce(0) { $0 + $1.instances.count }
        if count > 0 {
            notes.append(
                RegistryNote(
                    sort: "unusableInstances", subject: "instances that can't be used", count: count,
                    examples: RegistryNote.examples(
                        unusable.lazy.flatMap { key, instances in
                            instances.lazy.map { "\(key) at \($0.address): \($0.reason)" }
                        }),
                    effect: "they get no traffic", areInstances: true))
        }
        if beyondLimit > 0 {
            notes.append(
                RegistryNote(
                    sort: "servicesBeyondLimit", subject: "services beyond the first \(limit)", count: beyondLimit,
                    effect: "they are not followed"))
        }
        return notes
    }
}
