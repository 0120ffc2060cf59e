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
    /// What it shows.
    package var services: Int
    package var instances: Int
    /// What stands in the mesh for it.
    package var inMesh: Standing
    package var unreadable: Excerpt<UnreadableService>
    /// What it holds and the bridge does not carry.
    package var notes: [Note]
    package var hold: HoldStatus?
    /// What stands in the mesh although the registry does not show it, beside what is held.
    package var leftOver: LeftOver?

    package init(
        name: String, health: Health, reason: String? = nil, lastGood: Duration? = nil, services: Int = 0,
        instances: Int = 0, unreadable: Excerpt<UnreadableService> = .empty,
        inMesh: Standing = Standing(), notes: [Note] = [], hold: HoldStatus? = nil, leftOver: LeftOver? = nil
    ) {
        self.name = name
        self.health = health
        self.reason = reason
        self.lastGood = lastGood
        self.services = services
        self.instances = instances
        self.unreadable = unreadable
        self.inMesh = inMesh
        self.notes = notes
        self.hold = hold
        self.leftOver = leftOver
    }
}

extension RegistryStatus {
    /// What stands in the mesh.
    package struct Standing: Sendable, Hashable, Codable {
        /// Those with an instance.
        package var services: Int
        package var instances: Int

        package init(services: Int = 0, instances: Int = 0) {
            self.services = services
            self.instances = instances
        }
    }

    package struct LeftOver: Sendable, Hashable, Codable {
        /// The number of services that a status lists.
        package static let serviceLimit = 20

        package var instances: Int
        /// Some of them.
        package var services: [String]
        package var serviceCount: Int

        package init(instances: Int, services: Excerpt<String>) {
            self.instances = instances
            self.services = services.first
            serviceCount = services.count
        }
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
        var inMesh: Standing?
        var notes: [Note]?
        var hold: HoldStatus?
        var leftOver: LeftOver?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            name: document.name, health: document.health, reason: document.reason,
            lastGood: document.lastGood?.duration, services: document.services, instances: document.instances,
            unreadable: Excerpt(first: document.unreadable, count: document.unreadableCount),
            inMesh: document.inMesh ?? Standing(), notes: document.notes ?? [], hold: document.hold,
            leftOver: document.leftOver)
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            name: name, health: health, reason: reason, lastGood: lastGood.map(Seconds.init), services: services,
            instances: instances, unreadable: unreadable.first, unreadableCount: unreadable.count,
            inMesh: inMesh, notes: notes.isEmpty ? nil : notes, hold: hold, leftOver: leftOver)
        try document.encode(to: encoder)
    }
}
