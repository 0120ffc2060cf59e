package import Services

/// What is known of a service from before the start, from the objects in a cluster or from a snapshot.
package struct ServiceSeed: Hashable, Sendable {
    package var id: ServiceID
    /// Those that announced it; may name some that are not configured any more.
    package var registries: [String]
    package var instances: [Instance]

    package init(id: ServiceID, registries: [String], instances: [Instance]) {
        self.id = id
        self.registries = registries
        self.instances = instances
    }

    /// What two objects of one service say.
    mutating func merge(_ other: ServiceSeed) {
        registries += other.registries.filter { !registries.contains($0) }
        let endpoints = Set(instances.map(\.endpoint))
        instances += other.instances.filter { !endpoints.contains($0.endpoint) }
    }
}
