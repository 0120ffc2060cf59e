/// A service as all registries together describe it.
package struct Service: Hashable, Sendable {
    package var id: ServiceID
    /// One for each address and port, sorted by those.
    package var instances: [Instance]
    /// The registries that announce it, in the configured order.
    package var registries: [String]
    /// Which of the registries announces which endpoint, where that is not all of them.
    package var announcers: EndpointAnnouncers

    package init(
        id: ServiceID, instances: [Instance], registries: [String],
        announcers: EndpointAnnouncers = EndpointAnnouncers()
    ) {
        self.id = id
        self.instances = instances
        self.registries = registries
        self.announcers = announcers
    }
}
