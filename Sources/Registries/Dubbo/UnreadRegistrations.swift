package import Services
package import Sources

/// What a Dubbo registry holds and nobody carries into the mesh, and how much of it there is.
package struct UnreadRegistrations: Sendable {
    /// A sort of provider URLs that are left out.
    package enum Sort: Hashable, Sendable {
        /// They, or one of their protocols, speak a protocol that is not carried.
        case ofProtocol(String)
        /// Something else is wrong with them.
        case unusable(reason: String)
    }

    /// A client may register any text as a protocol.
    private static let protocolLimit = 20

    /// The keys of provider URLs that are left out, by interface.
    private var leftOut: [String: [InstanceKey: Set<Sort>]] = [:]
    private var counts: [Sort: Int] = [:]
    /// By key in the configuration centre.
    private var rules: [String: GovernanceRule] = [:]
    /// Rules that stand beside the providers of an interface.
    private var interfaceRules: [String: [InstanceKey: GovernanceRule]] = [:]
    package var applications = ApplicationInstances()
    /// The changes while the lists of rules and applications are read.
    private var changesMeanwhile: [Change]?

    package init() {}

    // MARK: Provider URLs

    /// Takes over all provider URLs of an interface that are left out.
    package mutating func leaveOut(_ providers: [InstanceKey: Set<Sort>], of interface: String) {
        for sort in (leftOut[interface] ?? [:]).values.joined() { count(sort, -1) }
        let providers = providers.filter { !$0.value.isEmpty }
        leftOut[interface] = providers.isEmpty ? nil : providers
        for sort in providers.values.joined() { count(sort, 1) }
    }

    /// - Parameter sorts: None for a provider URL that left.
    package mutating func leaveOut(_ key: InstanceKey, of interface: String, _ sorts: Set<Sort>) {
        for sort in leftOut[interface]?[key] ?? [] { count(sort, -1) }
        if sorts.isEmpty {
            leftOut[interface]?[key] = nil
            if leftOut[interface]?.isEmpty == true { leftOut[interface] = nil }
        } else {
            leftOut[interface, default: [:]][key] = sorts
        }
        for sort in sorts { count(sort, 1) }
    }

    private mutating func count(_ sort: Sort, _ difference: Int) {
        counts[sort, default: 0] += difference
        if counts[sort] == 0 { counts[sort] = nil }
    }

    /// The interfaces of a registry were listed: all others are gone.
    package mutating func forget(interfacesExcept interfaces: Set<String>) {
        for interface in leftOut.keys where !interfaces.contains(interface) { leaveOut([:], of: interface) }
        interfaceRules = interfaceRules.filter { interfaces.contains($0.key) }
        applications.withdraw(interfacesExcept: interfaces)
    }

    // MARK: Surroundings

    /// A change beside the interfaces.
    package enum Change: Sendable {
        /// A rule of the configuration centre; `nil` where it went, or the mesh would not have to follow it.
        case rule(GovernanceRule?, key: String)
        /// - Parameter id: `HOST:PORT`, as registered.
        case instance(_ id: String, application: String, isThere: Bool)
    }

    /// Above this number changes are not kept while lists are read, and counts may be wrong until the next read.
    private static let changeLimit = 65_536

    /// Takes over a change of which an event tells.
    package mutating func apply(_ change: Change) {
        if let count = changesMeanwhile?.count, count < Self.changeLimit { changesMeanwhile?.append(change) }
        perform(change)
    }

    private mutating func perform(_ change: Change) {
        switch change {
        case .rule(let rule, let key): rules[key] = rule
        case .instance(let id, let application, true): applications.add(id, of: application)
        case .instance(let id, let application, false): applications.remove(id, of: application)
        }
    }

    /// The lists of rules and applications are about to be read.
    package mutating func surroundingsAreRead() {
        changesMeanwhile = []
    }

    /// Takes over what was read. The changes since `surroundingsAreRead` are made again, since the lists may be older.
    /// - Parameters:
    ///   - rules: By key; `nil` where they could not be read: the last ones stay.
    ///   - applications: Likewise, the instances of each.
    ///   - others: Applications that are read elsewhere.
    package mutating func takeSurroundings(
        rules: [String: GovernanceRule]?, applications: [String: [String]]?, keeping others: Set<String>
    ) {
        if let rules { self.rules = rules }
        if let applications { self.applications.replace(applications, keeping: others) }
        for change in changesMeanwhile ?? [] { perform(change) }
        changesMeanwhile = nil
    }

    /// A rule of the configuration centre, as it was known last.
    package func rule(_ key: String) -> GovernanceRule? { rules[key] }

    // MARK: Rules of interfaces

    /// Takes over all rules that stand beside the providers of an interface.
    package mutating func setRules(_ rules: [InstanceKey: GovernanceRule], of interface: String) {
        interfaceRules[interface] = rules.isEmpty ? nil : rules
    }

    /// - Parameter rule: `nil` for one that left, or that the mesh would not have to follow.
    package mutating func set(_ rule: GovernanceRule?, _ node: InstanceKey, of interface: String) {
        interfaceRules[interface, default: [:]][node] = rule
        if interfaceRules[interface]?.isEmpty == true { interfaceRules[interface] = nil }
    }
}

// MARK: - Notes

extension UnreadRegistrations {
    package var notes: [RegistryNote] {
        var notes = protocolNotes
        if let note = unusableNote { notes.append(note) }
        if !applications.unannounced.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "applicationInstances", subject: "instances registered by application only",
                    count: applications.unannounced.count, examples: RegistryNote.examples(applications.unannounced),
                    effect: "they get no endpoint; Dubbo registers interfaces too with register-mode=all",
                    areInstances: true))
        }
        for rule in GovernanceRule.allCases {
            let counts = interfaceRules.mapValues { $0.values.count { $0 == rule } }.filter { $0.value > 0 }
            let keys = Array(rules.filter { $0.value == rule }.keys) + Array(counts.keys)
            if keys.isEmpty { continue }
            let count = keys.count - counts.count + counts.values.reduce(0, +)
            notes.append(
                RegistryNote(
                    sort: "\(rule)Rules", subject: rule.subject, count: count, examples: RegistryNote.examples(keys),
                    effect: "the mesh does not follow them"))
        }
        return notes
    }

    /// As many reasons are named.
    private static let reasonLimit = 3

    private var unusableNote: RegistryNote? {
        let reasons = counts.compactMap { sort, count in
            if case .unusable(let reason) = sort { (text: reason, count: count) } else { nil }
        }.sorted { ($1.count, $0.text) < ($0.count, $1.text) }
        if reasons.isEmpty { return nil }
        let named = reasons.prefix(Self.reasonLimit).map { $0.text + (reasons.count > 1 ? " (\($0.count))" : "") }
        let more = reasons.count > Self.reasonLimit ? "; …" : ""
        return RegistryNote(
            sort: "unusableProviders", subject: "providers that can't be used",
            count: reasons.reduce(0) { $0 + $1.count },
            examples: interfaces { $0.contains { if case .unusable = $0 { true } else { false } } },
            effect: "they are left out: \(named.joined(separator: "; "))\(more)", areInstances: true)
    }

    private var protocolNotes: [RegistryNote] {
        let protocols = counts.compactMap { sort, count in
            if case .ofProtocol(let name) = sort { (name: name, count: count) } else { nil }
        }.sorted { $0.name < $1.name }
        var notes = protocols.prefix(Self.protocolLimit).map { name, count in
            RegistryNote(
                sort: "protocol:\(name)", subject: "registrations of the protocol '\(name)'", count: count,
                examples: interfaces { $0.contains(.ofProtocol(name)) }, effect: "this protocol is not carried",
                areInstances: true)
        }
        let others = protocols.dropFirst(Self.protocolLimit)
        if !others.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "otherProtocols", subject: "registrations of \(others.count) more protocols",
                    count: others.reduce(0) { $0 + $1.count }, effect: "these protocols are not carried",
                    areInstances: true))
        }
        return notes
    }

    private func interfaces(where isOfSort: (Set<Sort>) -> Bool) -> [String] {
        RegistryNote.examples(leftOut.filter { $0.value.values.contains(where: isOfSort) }.map(\.key))
    }
}
