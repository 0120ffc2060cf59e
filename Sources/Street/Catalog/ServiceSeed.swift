package import Services

/// A service as it was known before the start, from the objects in a cluster or from a snapshot.
package struct ServiceSeed: Hashable, Sendable {
    package var id: ServiceID
    /// The registries that announced it. Some of them may not be configured any more.
    package var registries: [String]
    package var instances: [Instance]
    /// Which of the registries announced which endpoint, where that was not all of them.
    package var announcers: EndpointAnnouncers
    /// The endpoints of which it is known what became. They are not among the instances any more.
    var settled: Set<Endpoint> = []
    /// Whether a registry has said anything of the service since the start.
    var hasNews = false

    package init(
        id: ServiceID, registries: [String], instances: [Instance],
        announcers: EndpointAnnouncers = EndpointAnnouncers()
    ) {
        self.id = id
        self.registries = registries
        self.instances = instances
        self.announcers = announcers
    }

    /// The registries that announced an endpoint.
    func registries(announcing endpoint: Endpoint) -> [String] { announcers[endpoint] ?? registries }

    /// The endpoints that were known before the start.
    var known: Set<Endpoint> { settled.union(instances.lazy.map(\.endpoint)) }

    /// Adds what another object says of the same service.
    mutating func merge(_ other: ServiceSeed) {
        let before = self
        let (mine, theirs) = (known, Set(other.instances.lazy.map(\.endpoint)))
        registries += other.registries.filter { !registries.contains($0) }
        instances += other.instances.filter { !mine.contains($0.endpoint) }
        for endpoint in instances.lazy.map(\.endpoint) {
            var names = mine.contains(endpoint) ? before.registries(announcing: endpoint) : []
            if theirs.contains(endpoint) {
                names += other.registries(announcing: endpoint).filter { !names.contains($0) }
            }
            announcers[endpoint] = names.count == registries.count ? nil : names
        }
    }
}
