internal import Services

/// The services that have a held endpoint at an address and port.
struct HeldAddresses: Sendable {
    private struct Address: Hashable {
        var host: InstanceHost
        var port: UInt16

        init(_ endpoint: Endpoint) {
            host = endpoint.host
            port = endpoint.port
        }
    }

    private var services: [Address: Set<ServiceID>] = [:]

    subscript(endpoint: Endpoint) -> Set<ServiceID> { services[Address(endpoint)] ?? [] }

    mutating func add(_ endpoint: Endpoint, _ id: ServiceID) {
        services[Address(endpoint), default: []].insert(id)
    }

    mutating func remove(_ endpoint: Endpoint, _ id: ServiceID) {
        let address = Address(endpoint)
        services[address]?.remove(id)
        if services[address]?.isEmpty == true { services[address] = nil }
    }
}
