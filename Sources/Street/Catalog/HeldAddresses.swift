internal import Services

/// The services that have a held endpoint at an address and port.
struct HeldAddresses: Sendable {
    private var services: [Endpoint: Set<ServiceID>] = [:]

    subscript(endpoint: Endpoint) -> Set<ServiceID> { services[endpoint] ?? [] }

    mutating func add(_ endpoint: Endpoint, _ id: ServiceID) {
        services[endpoint, default: []].insert(id)
    }

    mutating func remove(_ endpoint: Endpoint, _ id: ServiceID) {
        services[endpoint]?.remove(id)
        if services[endpoint]?.isEmpty == true { services[endpoint] = nil }
    }
}
