package import JSON

/// How one delivery keeps what it delivers to.
package struct DeliveryStatus: Sendable, Hashable {
    /// Which of several replicas writes.
    package enum Leadership: Sendable, Hashable {
        /// This one; no election is configured.
        case notElected
        case leading
        /// Another one, by its name where that is known.
        case standby(holder: String?)
    }

    /// What keeps a delivery as a whole from working: the server can't be reached, or a permission is missing.
    package struct Obstacle: Sendable, Hashable {
        package var reason: String
        package var age: Duration

        package init(reason: String, age: Duration) {
            self.reason = reason
            self.age = age
        }
    }

    /// How many resources with trouble are told by name.
    package static let troubleLimit = 100

    package var name: String
    package var leadership: Leadership
    /// Whether it has told what it holds of ours, so that decisions can be made.
    package var isSeeded: Bool
    /// How many resources wait to be looked at.
    package var pending: Int
    package var obstacle: Obstacle?
    package var troubles: Excerpt<ResourceTrouble>

    package init(
        name: String, leadership: Leadership = .notElected, isSeeded: Bool, pending: Int = 0, obstacle: Obstacle? = nil,
        troubles: Excerpt<ResourceTrouble> = .empty
    ) {
        self.name = name
        self.leadership = leadership
        self.isSeeded = isSeeded
        self.pending = pending
        self.obstacle = obstacle
        self.troubles = troubles
    }
}

/// A resource that is not as it should be.
package struct ResourceTrouble: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The other side does not take it as it is, or somebody else's object has the name.
        case refused
        /// The write did not come through.
        case failed
        /// Somebody else changes it again and again.
        case contested
    }

    /// `namespace/name`.
    package var resource: String
    package var kind: Kind
    package var reason: String
    package var age: Duration
    /// When it is tried again; `nil` when only a change leads to that.
    package var retryIn: Duration?

    package init(resource: String, kind: Kind, reason: String, age: Duration, retryIn: Duration? = nil) {
        self.resource = resource
        self.kind = kind
        self.reason = reason
        self.age = age
        self.retryIn = retryIn
    }
}

extension DeliveryStatus {
    package var json: JSONValue {
        var object = JSONObject()
        object["name"] = .string(name)
        switch leadership {
        case .notElected: object["leadership"] = "notElected"
        case .leading: object["leadership"] = "leading"
        case .standby(let holder):
            object["leadership"] = "standby"
            object["leader"] = holder.map { .string($0) }
        }
        object["seeded"] = .bool(isSeeded)
        object["pending"] = .integer(Int64(pending))
        object["obstacle"] = obstacle?.json
        object["troubles"] = .array(troubles.first.map(\.json))
        object["troubleCount"] = .integer(Int64(troubles.count))
        return .object(object)
    }

    init(_ reader: StatusReader) throws(StatusError) {
        name = try reader.string("name")
        switch try reader.string("leadership") {
        case "notElected": leadership = .notElected
        case "leading": leadership = .leading
        case "standby": leadership = .standby(holder: try reader.optional("leader", StatusReader.string))
        case let other: throw reader.unknown("leadership", other, known: ["notElected", "leading", "standby"])
        }
        isSeeded = try reader.bool("seeded")
        pending = try reader.integer("pending")
        obstacle = try reader.object("obstacle").map(Obstacle.init(_:))
        troubles = Excerpt(
            first: try reader.list("troubles", ResourceTrouble.init), count: try reader.integer("troubleCount"))
    }
}

extension DeliveryStatus.Obstacle {
    fileprivate var json: JSONValue { ["reason": .string(reason), "age": age.json] }

    fileprivate init(_ reader: StatusReader) throws(StatusError) {
        reason = try reader.string("reason")
        age = try reader.duration("age")
    }
}

extension ResourceTrouble {
    var json: JSONValue {
        var object = JSONObject()
        object["resource"] = .string(resource)
        object["kind"] = .string(kind.rawValue)
        object["reason"] = .string(reason)
        object["age"] = age.json
        object["retryIn"] = retryIn?.json
        return .object(object)
    }

    init(_ reader: StatusReader) throws(StatusError) {
        resource = try reader.string("resource")
        kind = try reader.word("kind")
        reason = try reader.string("reason")
        age = try reader.duration("age")
        retryIn = try reader.optional("retryIn", StatusReader.duration)
    }
}
