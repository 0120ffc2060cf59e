package import JSON

/// What an operator let go of: the hold as it was.
package struct Released: Sendable, Hashable {
    package var registry: String
    package var hold: HoldStatus

    package init(registry: String, hold: HoldStatus) {
        self.registry = registry
        self.hold = hold
    }

    package var json: JSONValue { ["registry": .string(registry), "hold": hold.json] }

    /// Reads what `json` gives; members that it doesn't know are passed over.
    package init(json: JSONValue) throws(StatusError) {
        let reader = try StatusReader(json)
        registry = try reader.string("registry")
        guard let hold = try reader.object("hold") else { throw reader.failure("hold", "is missing") }
        self.hold = try HoldStatus(hold)
    }
}
