package import JSON

/// Instances that a registry no longer has and that are kept all the same, since their loss looks like a failure.
package struct HoldStatus: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Many instances left within a short time.
        case netLoss
        /// A complete answer had nothing at all.
        case emptyAnswer
        /// The registry is no longer in the configuration.
        case removedRegistry
    }

    /// How many services are told by name.
    package static let serviceLimit = 20

    package var kind: Kind
    /// For people.
    package var reason: String
    /// How many instances are held.
    package var held: Int
    /// How many the registry had before the loss.
    package var of: Int
    package var age: Duration
    /// When the hold ends by itself; `nil` when only the instances' return or an operator ends it.
    package var releasesIn: Duration?
    /// Those of the held instances.
    package var services: Excerpt<String>

    package init(
        kind: Kind, reason: String, held: Int, of: Int, age: Duration, releasesIn: Duration? = nil,
        services: Excerpt<String>
    ) {
        self.kind = kind
        self.reason = reason
        self.held = held
        self.of = of
        self.age = age
        self.releasesIn = releasesIn
        self.services = services
    }
}

extension HoldStatus {
    package var json: JSONValue {
        var object = JSONObject()
        object["kind"] = .string(kind.rawValue)
        object["reason"] = .string(reason)
        object["held"] = .integer(Int64(held))
        object["of"] = .integer(Int64(of))
        object["age"] = age.json
        object["releasesIn"] = releasesIn?.json
        object["services"] = .array(services.first.map { .string($0) })
        object["serviceCount"] = .integer(Int64(services.count))
        return .object(object)
    }

    init(_ reader: StatusReader) throws(StatusError) {
        kind = try reader.word("kind")
        reason = try reader.string("reason")
        held = try reader.integer("held")
        of = try reader.integer("of")
        age = try reader.duration("age")
        releasesIn = try reader.optional("releasesIn", StatusReader.duration)
        services = Excerpt(first: try reader.strings("services"), count: try reader.integer("serviceCount"))
    }
}
