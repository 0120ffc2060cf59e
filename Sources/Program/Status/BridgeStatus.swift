package import FoundationEssentials

/// The state of a bridge at one moment.
package struct BridgeStatus: Sendable, Hashable {
    /// The name of the installation.
    package var instance: String
    package var version: String
    /// The wall-clock time of that moment, for people. Ages come from a monotonic clock.
    package var time: Date
    package var uptime: Duration
    /// Whether every registry has been read and every delivery has listed its objects.
    package var isReady: Bool
    package var registries: [RegistryStatus]
    package var configurations: [ConfigurationStatus]
    package var deliveries: [DeliveryStatus]
    /// The services that are not in the mesh as they are in the registry, and why.
    package var problems: Excerpt<ServiceProblem>
    /// The services whose instances have names that istiod resolves. Each change of one is a full push.
    package var resolved: Excerpt<String>

    package static let resolvedLimit = 20

    package init(
        instance: String, version: String, time: Date = Date(), uptime: Duration, isReady: Bool,
        registries: [RegistryStatus], deliveries: [DeliveryStatus],
        configurations: [ConfigurationStatus] = [], problems: Excerpt<ServiceProblem> = .empty,
        resolved: Excerpt<String> = .empty
    ) {
        self.instance = instance
        self.version = version
        self.time = time
        self.uptime = uptime
        self.isReady = isReady
        self.registries = registries
        self.configurations = configurations
        self.deliveries = deliveries
        self.problems = problems
        self.resolved = resolved
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

    /// The replicas that write, sorted, as far as they are known; `nil` where this replica writes to a cluster.
    package var leaders: [String]? {
        var holders: Set<String> = []
        for delivery in deliveries {
            guard case .standby(let holder) = delivery.leadership else { return nil }
            if let holder { holders.insert(holder) }
        }
        return deliveries.isEmpty ? nil : holders.sorted()
    }

    /// The names of the registries of which instances are held or left over.
    package var releasable: [String] {
        registries.filter { $0.hold != nil || $0.leftOver != nil }.map(\.name)
            + configurations.filter { !$0.held.isEmpty }.map(\.name)
    }
}

extension BridgeStatus: StatusDocument {
    private struct Document: Codable {
        var instance: String
        var version: String
        var time: Date
        var uptime: Seconds
        var ready: Bool
        var registries: [RegistryStatus]
        var deliveries: [DeliveryStatus]
        var problems: [ServiceProblem]
        var problemCount: Int
        // An earlier release has none.
        var resolved: [String]?
        var resolvedCount: Int?
        var configurations: [ConfigurationStatus]?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            instance: document.instance, version: document.version, time: document.time,
            uptime: document.uptime.duration, isReady: document.ready, registries: document.registries,
            deliveries: document.deliveries, configurations: document.configurations ?? [],
            problems: Excerpt(first: document.problems, count: document.problemCount),
            resolved: Excerpt(first: document.resolved ?? [], count: document.resolvedCount ?? 0))
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            instance: instance, version: version, time: time, uptime: Seconds(uptime), ready: isReady,
            registries: registries, deliveries: deliveries, problems: problems.first, problemCount: problems.count,
            resolved: resolved.first, resolvedCount: resolved.count,
            configurations: configurations.isEmpty ? nil : configurations)
        try document.encode(to: encoder)
    }
}
