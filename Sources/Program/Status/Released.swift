package import JSON

/// What an operator let go of: the hold as it was.
package struct Released: Sendable, Hashable {
    package var registry: String
    package var hold: HoldStatus
    /// Of a replica that writes nowhere: those that do and have to be asked too, as far as they are known; `nil` of one that writes.
    package var leaders: [String]?

    package init(registry: String, hold: HoldStatus, leaders: [String]? = nil) {
        self.registry = registry
        self.hold = hold
        self.leaders = leaders
    }

    package var json: JSONValue {
        var object = JSONObject()
        object["registry"] = .string(registry)
        object["hold"] = hold.json
        object["leaders"] = leaders.map { .array($0.map { .string($0) }) }
        return .object(object)
    }

    /// Reads what `json` gives; members that it doesn't know are passed over.
    package init(json: JSONValue) throws(StatusError) {
        let reader = try StatusReader(json)
        registry = try reader.string("registry")
        guard let hold = try reader.object("hold") else { throw reader.failure("hold", "is missing") }
        self.hold = try HoldStatus(hold)
        leaders = try reader.optional("leaders", StatusReader.strings)
    }
}
