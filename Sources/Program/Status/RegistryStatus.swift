/// How the bridge follows one registry.
package struct RegistryStatus: Sendable, Hashable {
    package enum Health: String, Sendable, Hashable, StatusWord {
        /// No read of it is complete yet.
        case starting
        /// Every change is seen as it happens.
        case healthy
        /// It can't be followed; the last good view stays.
        case stale
        /// The configuration no longer has it, and something that it announced is still in the mesh.
        case removed
    }

    /// A service whose entry in the registry can't be used.
    package struct UnreadableService: Sendable, Hashable, Codable {
        package var name: String
        package var reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// The registrations of one sort that the registry holds and the bridge does not carry.
    package struct Note: Sendable, Hashable, Codable {
        /// Tells sorts apart for programs.
        package var sort: String
        /// What they are, in the plural.
        package var subject: String
        package var count: Int
        /// Some of them.
        package var examples: [String]
        /// What that means for the mesh.
        package var effect: String

        package init(sort: String, subject: String, count: Int, examples: [String], effect: String) {
            self.sort = sort
            self.subject = subject
            self.count = count
            self.examples = examples
            self.effect = effect
        }
    }

    /// The number of unreadable services that a status lists.
    package static let unreadableLimit = 100

    package var name: String
    package var health: Health
    /// Why the registry is not healthy.
    package var reason: String?
    /// The time since every change was last seen as it happened; `nil` where it never was.
    package var lastGood: Duration?
    package var services: Int
    package var instances: Int
    package var unreadable: Excerpt<UnreadableService>
    /// What it announces beyond the limits.
    package var excess: Excerpt<String>
    /// What it holds and the bridge does not carry.
    package var notes: [Note]
    package var hold: HoldStatus?

    package init(
        name: String, health: Health, reason: String? = nil, lastGood: Duration? = nil, services: Int = 0,
        instances: Int = 0, unreadable: Excerpt<UnreadableService> = .empty,
        excess: Excerpt<String> = .empty, notes: [Note] = [], hold: HoldStatus? = nil
    ) {
        self.name = name
        self.health = health
        self.reason = reason
        self.lastGood = lastGood
        self.services = services
        self.instances = instances
        self.unreadable = unreadable
        self.excess = excess
        self.notes = notes
        self.hold = hold
    }
}

extension RegistryStatus: Codable {
    private struct Document: Codable {
        var name: String
        var health: Health
        var reason: String?
        var lastGood: Seconds?
        var services: Int
        var instances: Int
        var unreadable: [UnreadableService]
        var unreadableCount: Int
        // An earlier release has none of these.
        var excess: [String]?
        var excessCount: Int?
        var notes: [Note]?
        var hold: HoldStatus?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            name: document.name, health: document.health, reason: document.reason,
            lastGood: document.lastGood?.duration, services: document.services, instances: document.instances,
            unreadable: Excerpt(first: document.unreadable, count: document.unreadableCount),
            excess: Excerpt(first: document.excess ?? [], count: document.excessCount ?? 0),
            notes: document.notes ?? [], hold: document.hold)
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            name: name, health: health, reason: reason, lastGood: lastGood.map(Seconds.init), services: services,
            instances: instances, unreadable: unreadable.first, unreadableCount: unreadable.count,
            excess: excess.first, excessCount: excess.count, notes: notes.isEmpty ? nil : notes, hold: hold)
        try document.encode(to: encoder)
    }
}
