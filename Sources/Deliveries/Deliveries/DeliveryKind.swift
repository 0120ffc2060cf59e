package import IstioAPI
package import Logging
package import Planning
package import Settings

/// A kind of way out: its part of the configuration, and how one that is configured is made.
///
/// A new way out is one target with a kind in it, and one line in the list of kinds.
package protocol DeliveryKind: Sendable {
    /// The keys below `delivery` that are this kind's.
    var keys: [ConfigurationKey] { get }

    /// The ways out of this kind that the section `delivery` names, in order; none where it has none of the keys.
    /// - Throws: `ConfigurationError` for an impossible value, or another error for settings that can't be used.
    func deliveries(_ section: ConfigurationSection) throws -> [any DeliverySettings]

    /// The way out for a configuration that names none of any kind; `nil` where this kind has none.
    /// - Throws: What keeps it from being used.
    func standard() throws -> (any DeliverySettings)?
}

extension DeliveryKind {
    package func standard() throws -> (any DeliverySettings)? { nil }
}

/// One way out, as its kind has read it from the configuration.
package protocol DeliverySettings: Sendable {
    /// Unique among the deliveries.
    var name: String { get }

    /// The namespace of the resources where the configuration names none; `nil` where this way out knows none.
    var namespace: String? { get }

    /// Whether istiod's ambient reads what it delivers: objects of the Kubernetes API only.
    var servesAmbient: Bool { get }

    /// Whether istiod takes the resources from the bridge itself, and not from where other objects are: it gives them no
    /// addresses then.
    var isConfigSource: Bool { get }

    /// Where an installation finds after a restart what it made before.
    func memory(instance: String) -> DeliveryMemory

    /// Makes the delivery. Nothing is connected before it runs, or is asked for something.
    /// - Throws: What keeps it from being used.
    func delivery(_ context: DeliveryContext) throws -> any Delivery
}

extension DeliverySettings {
    package var servesAmbient: Bool { false }
    package var isConfigSource: Bool { false }
}

/// Where a bridge finds after a restart what a delivery made before.
package enum DeliveryMemory: Sendable, Hashable {
    /// In the objects themselves.
    case objects
    /// In this file, since anybody may edit or lose what the delivery made.
    case file(String)
}

/// What a delivery needs besides its settings.
package struct DeliveryContext: Sendable {
    /// The bridge's own version, for user agents.
    package var version: String
    /// The installation.
    package var instance: String
    package var ownership: Ownership
    /// Where the resources go.
    package var namespace: String
    /// What the hosts end in; empty for nothing.
    package var domain: String
    /// The namespaces that see the resources; empty for the mesh's default.
    package var exportTo: [String]
    package var mesh: MeshMode
    /// Whether endpoints may become objects of their own.
    package var usesWorkloads: Bool
    /// Where objects may stand that operators publish.
    package var manifests: ManifestScope
    /// How replicas elect the one that writes; `nil` where nobody else does, or where the bridge looks once and ends.
    package var leadership: LeadershipTimes?
    /// Whether this replica can do the work of a leader. It is asked often.
    package var fitness: @Sendable () -> ReplicaFitness
    package var logger: Logger

    package init(
        version: String, instance: String, ownership: Ownership, namespace: String, domain: String = "",
        exportTo: [String] = [], mesh: MeshMode = .sidecar, usesWorkloads: Bool,
        manifests: ManifestScope = ManifestScope(), leadership: LeadershipTimes?,
        fitness: @escaping @Sendable () -> ReplicaFitness = { .fit }, logger: Logger
    ) {
        self.version = version
        self.instance = instance
        self.ownership = ownership
        self.namespace = namespace
        self.domain = domain
        self.exportTo = exportTo
        self.mesh = mesh
        self.usesWorkloads = usesWorkloads
        self.manifests = manifests
        self.leadership = leadership
        self.fitness = fitness
        self.logger = logger
    }
}
