package import Services

/// A service as it was known before the start, from the objects in a cluster or from a snapshot.
package struct ServiceSeed: Hashable, Sendable {
    package var id: ServiceID
    /// The registries that announced it. Some of them may not be configured any more.
    package var registries: [String]
    package var instances: [Instance]

    package init(id: ServiceID, registries: [String], instances: [Instance]) {
        self.id = id
        self.registries = registries
        self.instances = instances
    }

    /// Adds what another object says of the same service.
    mutating func merge(_ other: ServiceSeed) {
        registries += other.registries.filter { !registries.contains($0) }
        let endpoints = Set(instances.map(\.endpoint))
        instances += other.instances.filter { !endpoints.contains($0.endpoint) }
    }
}
