internal import Services
package import Sources

/// All that a registry of declared layouts shows: what each key means, and what follows for services.
package struct DeclaredView: Sendable {
    struct Known {
        /// As the entry says, without its sides.
        var instances: [DeclaredInstance] = []
        /// Why the entry can't be used. Its last good instances stay.
        var problem: String?
        /// The name of the service that the entry is of although it can't be used.
        var unusableName: String?

        var isNamelessProblem: Bool { problem != nil && unusableName == nil }
    }

    /// The number of keys that a view keeps.
    package static let standardLimit = 500_000

    private let decoders: [DeclarationDecoder]
    private let limit: Int
    var known: [String: Known] = [:]
    private var sides = DeclaredSides()
    /// The parents of the keys of each name, with the number of its keys there.
    private var folders: [String: [String: Int]] = [:]
    /// The names that have lost their last key.
    private var formerNames: Set<String> = []
    private static let formerLimit = 10_000
    /// The keys beyond the limit since everything was read.
    private(set) var refusedKeys = 0
    /// The entries that can't be used and name no service.
    private(set) var namelessProblems = 0
    /// What was known before everything is read anew.
    private var former: [String: Known] = [:]

    /// - Parameter decoders: An entry is of the first one that knows its key.
    package init(decoders: [DeclarationDecoder], limit: Int = DeclaredView.standardLimit) {
        self.decoders = decoders
        self.limit = limit
    }

    /// A view into which everything is read anew. An entry that can't be decoded keeps what it meant.
    package func renewed() -> DeclaredView {
        var view = DeclaredView(decoders: decoders, limit: limit)
        view.former = known
        return view
    }

    /// A view for the keys of one name, with what stands beside them.
    package func emptied() -> DeclaredView {
        var view = renewed()
        view.sides = sides
        return view
    }

    /// Everything was read.
    package mutating func readCompletely() { former = [:] }

    /// An entry came, or came again with other content.
    /// - Returns: The changes of instances, and the names that have a key in a folder where they had none.
    @discardableResult
    package mutating func put(_ entry: DeclaredEntry) -> (changes: [DeclaredChange], moved: Set<String>) {
        let before = shown(entry.key)
        var moved: Set<String> = []
        switch meaning(of: entry) {
        case .unrelated: return ([], [])
        case .side(let side): return (put(side, at: entry.key), [])
        case .instances(let instances):
            if instances.isEmpty, known[entry.key] == nil { return ([], []) }
            if isFull(for: entry.key) { return ([], []) }
            moved = replace(entry.key, Known(instances: instances))
        case .unusable(let name, let reason):
            if isFull(for: entry.key) { return ([], []) }
            let last = known[entry.key] ?? former[entry.key]
            let instances = last?.instances ?? []
            moved = replace(
                entry.key,
                Known(instances: instances, problem: reason, unusableName: name ?? instances.first?.service.name))
        }
        return (changes(from: before, to: shown(entry.key)), moved)
    }

    /// An entry is there, and its content may not be read. Its last good instances stay.
    package mutating func putUnreadable(_ key: String, reason: String) -> [DeclaredChange] {
        let before = shown(key)
        if isFull(for: key) { return [] }
        let instances = (known[key] ?? former[key])?.instances ?? []
        _ = replace(key, Known(instances: instances, problem: reason, unusableName: instances.first?.service.name))
        return changes(from: before, to: shown(key))
    }

    /// An entry went.
    package mutating func remove(_ key: String) -> [DeclaredChange] {
        if let side = sides.remove(key) { return changed(side, with: nil) }
        let before = shown(key)
        _ = replace(key, nil)
        return changes(from: before, to: [:])
    }

    private func meaning(of entry: DeclaredEntry) -> DeclaredMeaning {
        for decoder in decoders {
            let meaning = decoder.decode(entry)
            if meaning != .unrelated { return meaning }
        }
        return .unrelated
    }

    private mutating func isFull(for key: String) -> Bool {
        if known[key] != nil || known.count < limit { return false }
        refusedKeys += 1
        return true
    }

    // MARK: What is shown

    private typealias Shown = [InstanceKey: (service: ServiceID, instance: Instance)]

    /// The instances of a key with what its sides say, by their keys in the catalog.
    private func shown(_ key: String) -> Shown {
        guard let known = known[key] else { return [:] }
        var shown: Shown = [:]
        for (index, declared) in known.instances.enumerated() {
            shown[InstanceKey(index == 0 ? key : "\(key)\n\(index)")] = (declared.service, sided(declared))
        }
        return shown
    }

    private func sided(_ declared: DeclaredInstance) -> Instance {
        var instance = declared.instance
        if sides.isEmpty { return instance }
        for side in sides.concerning(declared) {
            if let weight = side.weight {
                instance.weight = weight
                if weight == 0 { instance.isEnabled = false }
            }
            if !side.isEnabled { instance.isEnabled = false }
        }
        return instance
    }

    private func changes(from before: Shown, to after: Shown) -> [DeclaredChange] {
        var changes: [DeclaredChange] = []
        for (key, new) in after.sorted(by: { $0.key < $1.key }) {
            if let old = before[key], old.service == new.service, old.instance == new.instance { continue }
            changes.append(DeclaredChange(new.service, key, new.instance))
        }
        for (key, old) in before.sorted(by: { $0.key < $1.key }) where after[key]?.service != old.service {
            changes.append(DeclaredChange(old.service, key, leftFrom: old.instance.endpoint))
        }
        return changes
    }

    private mutating func put(_ side: DeclaredSide, at key: String) -> [DeclaredChange] {
        if sides[key] == nil, sides.count >= limit { return [] }
        let old = sides.set(side, at: key)
        return changed(old, with: side)
    }

    /// The changes of the instances that one side of two concerns. The sides have changed already.
    private func changed(_ old: DeclaredSide?, with new: DeclaredSide?) -> [DeclaredChange] {
        var changes: [DeclaredChange] = []
        let concerned = known.filter { _, known in
            known.instances.contains { old?.concerns($0) == true || new?.concerns($0) == true }
        }
        for key in concerned.keys.sorted() {
            for (instanceKey, shown) in shown(key).sorted(by: { $0.key < $1.key }) {
                changes.append(DeclaredChange(shown.service, instanceKey, shown.instance))
            }
        }
        return changes
    }

    // MARK: Folders

    /// - Returns: The names that have the key's folder as a further one.
    private mutating func replace(_ key: String, _ new: Known?) -> Set<String> {
        let folder = Self.folder(of: key)
        let last = known.removeValue(forKey: key)
        known[key] = new
        namelessProblems += (new?.isNamelessProblem == true ? 1 : 0) - (last?.isNamelessProblem == true ? 1 : 0)
        let old = names(last)
        let names = names(new)
        var moved: Set<String> = []
        for name in names.subtracting(old) {
            formerNames.remove(name)
            if let folders = folders[name], folders[folder] == nil { moved.insert(name) }
            folders[name, default: [:]][folder, default: 0] += 1
        }
        for name in old.subtracting(names) {
            folders[name]?[folder, default: 1] -= 1
            // A folder stays known for a read of a name that has lost its last key.
            if let counts = folders[name], counts.count > 1, counts[folder] == 0 { folders[name]?[folder] = nil }
            if folders[name]?[folder] == 0 { forget(name) }
        }
        return moved
    }

    /// Names that come and go without end must not fill the memory.
    private mutating func forget(_ name: String) {
        formerNames.insert(name)
        guard formerNames.count > Self.formerLimit else { return }
        for name in formerNames { folders[name] = nil }
        formerNames = []
    }

    private func names(_ known: Known?) -> Set<String> {
        guard let known else { return [] }
        var names = Set(known.instances.map(\.service.name))
        if let name = known.unusableName { names.insert(name) }
        return names
    }

    /// Up to and with the last slash.
    package static func folder(of key: String) -> String {
        key.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(key[...$0]) } ?? ""
    }

    /// Where the keys of a name stand, sorted.
    package func folders(of name: String) -> [String] { (folders[name] ?? [:]).keys.sorted() }
}

// MARK: - Readings

extension DeclaredView {
    /// All that is known of each name.
    package func readings(position: Position?) -> [String: Reading] {
        var services: [String: SourceEvent.Instances] = [:]
        var problems: [String: (count: Int, first: String)] = [:]
        for (key, known) in known {
            for (instanceKey, shown) in shown(key) {
                services[shown.service.name, default: [:]][shown.service, default: [:]][instanceKey] = shown.instance
            }
            guard let problem = known.problem, let name = known.unusableName else { continue }
            let others = problems[name]
            problems[name] = ((others?.count ?? 0) + 1, min(others?.first ?? problem, problem))
        }
        var readings = services.mapValues { Reading(.services($0), position: position) }
        for (name, problem) in problems {
            let reason = "none of its \(problem.count) entries can be used; one: \(problem.first)"
            readings[name, default: Reading(.unusable(reason: reason), position: position)].unusableCount =
                problem.count
        }
        return readings
    }

    /// What a registry says of a name of which this view has all keys.
    package func reading(of name: String, position: Position?) -> Reading {
        readings(position: position)[name] ?? Reading(.services([:]), position: position)
    }

    /// What the notes count is kept up to date with each entry.
    var problemCount: Int { namelessProblems + refusedKeys }

    package var notes: [RegistryNote] {
        var notes: [RegistryNote] = []
        let nameless = known.filter(\.value.isNamelessProblem)
        if !nameless.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "unusable-entries", subject: "entries that can't be read and name no service",
                    count: nameless.count,
                    examples: RegistryNote.examples(nameless.keys.map { String($0.prefix(200)) }),
                    effect: "they are in no service", areInstances: true))
        }
        if refusedKeys > 0 {
            notes.append(
                RegistryNote(
                    sort: "keys-beyond-limit", subject: "keys beyond the limit of \(limit)", count: refusedKeys,
                    effect: "they are not read", areInstances: true))
        }
        return notes
    }
}

extension DeclarationDecoder {
    /// Whether the layout has such a key.
    func concerns(_ key: String) -> Bool {
        guard let rest = rest(of: key) else { return false }
        return declaration.key.match(rest) != nil || declaration.sides.contains { $0.key.match(rest) != nil }
    }
}
