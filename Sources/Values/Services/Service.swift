/// A service as all registries together describe it.
package struct Service: Hashable, Sendable {
    package var id: ServiceID
    /// One for each address and port, sorted by those.
    package var instances: [Instance]
    /// The registries that announce it, in the configured order.
    package var registries: [String]

    package init(id: ServiceID, instances: [Instance], registries: [String]) {
        self.id = id
        self.instances = instances
        self.registries = registries
    }
}
