package import JSON

/// How the bridge follows one registry.
package struct RegistryStatus: Sendable, Hashable {
    package enum Health: String, Sendable, Hashable, CaseIterable {
        /// It was not read completely yet.
        case starting
        /// Every change is seen as it happens.
        case healthy
        /// It can't be followed; the last good picture goes on.
        case stale
        /// The configuration has it no more, and something of it is still there.
        case removed
    }

    /// A service whose entry in the registry can't be used.
    package struct UnreadableService: Sendable, Hashable {
        package var name: String
        package var reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// How many unreadable services are told by name.
    package static let unreadableLimit = 100

    package var name: String
    package var health: Health
    /// Why it is not healthy.
    package var reason: String?
    /// How long ago it was last known to be fully followed; `nil` when it never was.
    package var lastGood: Duration?
    package var services: Int
    package var instances: Int
    package var unreadable: Excerpt<UnreadableService>
    package var hold: HoldStatus?

    package init(
        name: String, health: Health, reason: String? = nil, lastGood: Duration? = nil, services: Int = 0,
        instances: Int = 0, unreadable: Excerpt<UnreadableService> = .empty, hold: HoldStatus? = nil
    ) {
        self.name = name
        self.health = health
        self.reason = reason
        self.lastGood = lastGood
        self.services = services
        self.instances = instances
        self.unreadable = unreadable
        self.hold = hold
    }
}

extension RegistryStatus {
    package var json: JSONValue {
        var object = JSONObject()
        object["name"] = .string(name)
        object["health"] = .string(health.rawValue)
        object["reason"] = reason.map { .string($0) }
        object["lastGood"] = lastGood?.json
        object["services"] = .integer(Int64(services))
        object["instances"] = .integer(Int64(instances))
        object["unreadable"] = .array(unreadable.first.map(\.json))
        object["unreadableCount"] = .integer(Int64(unreadable.count))
        object["hold"] = hold?.json
        return .object(object)
    }

    init(_ reader: StatusReader) throws(StatusError) {
        name = try reader.string("name")
        health = try reader.word("health")
        reason = try reader.optional("reason", StatusReader.string)
        lastGood = try reader.optional("lastGood", StatusReader.duration)
        services = try reader.integer("services")
        instances = try reader.integer("instances")
        unreadable = Excerpt(
            first: try reader.list("unreadable", UnreadableService.init), count: try reader.integer("unreadableCount"))
        hold = try reader.object("hold").map(HoldStatus.init(_:))
    }
}

extension RegistryStatus.UnreadableService {
    var json: JSONValue { ["name": .string(name), "reason": .string(reason)] }

    init(_ reader: StatusReader) throws(StatusError) {
        name = try reader.string("name")
        reason = try reader.string("reason")
    }
}
