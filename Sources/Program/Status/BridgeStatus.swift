package import FoundationEssentials
package import JSON

/// What a bridge knows of itself at one moment.
package struct BridgeStatus: Sendable, Hashable {
    /// The name of the installation.
    package var instance: String
    package var version: String
    /// When this was seen, for people; ages are measured by a clock that nobody sets.
    package var time: Date
    package var uptime: Duration
    /// Whether this replica does its part: every registry is known and every delivery has begun.
    package var isReady: Bool
    package var registries: [RegistryStatus]
    package var deliveries: [DeliveryStatus]
    /// What keeps services from being carried into the mesh as they are.
    package var problems: Excerpt<ServiceProblem>

    package init(
        instance: String, version: String, time: Date = Date(), uptime: Duration, isReady: Bool,
        registries: [RegistryStatus], deliveries: [DeliveryStatus], problems: Excerpt<ServiceProblem> = .empty
    ) {
        self.instance = instance
        self.version = version
        self.time = time
        self.uptime = uptime
        self.isReady = isReady
        self.registries = registries
        self.deliveries = deliveries
        self.problems = problems
    }

    /// Why the bridge is not ready; `nil` when it is.
    package var unreadiness: String? {
        if isReady { return nil }
        let registries = registries.filter { $0.health == .starting }.map { registry in
            "registry '\(registry.name)' was not read yet" + (registry.reason.map { ": \($0)" } ?? "")
        }
        let deliveries = deliveries.filter { !$0.isSeeded }.map { delivery in
            "what '\(delivery.name)' holds was not read yet"
        }
        let reasons = registries + deliveries
        return reasons.isEmpty ? "the bridge is starting" : reasons.joined(separator: "; ")
    }

    /// Of a replica that writes nowhere, those that do, as far as they are known, sorted; `nil` of one that writes.
    package var leaders: [String]? {
        var holders: Set<String> = []
        for delivery in deliveries {
            guard case .standby(let holder) = delivery.leadership else { return nil }
            if let holder { holders.insert(holder) }
        }
        return deliveries.isEmpty ? nil : holders.sorted()
    }

    /// The registries of which something is held, by name.
    package var holds: [String] { registries.filter { $0.hold != nil }.map(\.name) }
}

extension BridgeStatus {
    package var json: JSONValue {
        [
            "instance": .string(instance), "version": .string(version), "time": .string(time.ISO8601Format()),
            "uptime": uptime.json, "ready": .bool(isReady), "registries": .array(registries.map(\.json)),
            "deliveries": .array(deliveries.map(\.json)), "problems": .array(problems.first.map(\.json)),
            "problemCount": .integer(Int64(problems.count)),
        ]
    }

    /// Reads what `json` gives; members that it doesn't know are passed over.
    package init(json: JSONValue) throws(StatusError) {
        let reader = try StatusReader(json)
        instance = try reader.string("instance")
        version = try reader.string("version")
        let text = try reader.string("time")
        do {
            time = try Date(text, strategy: .iso8601)
        } catch {
            throw reader.failure("time", "must be a time such as 2026-01-31T12:00:00Z, and is '\(text)'")
        }
        uptime = try reader.duration("uptime")
        isReady = try reader.bool("ready")
        registries = try reader.list("registries", RegistryStatus.init)
        deliveries = try reader.list("deliveries", DeliveryStatus.init)
        problems = Excerpt(
            first: try reader.list("problems", ServiceProblem.init), count: try reader.integer("problemCount"))
    }
}
