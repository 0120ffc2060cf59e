package import JSON

/// Address and ports: what makes an endpoint the same one in both forms, and of which the name of its WorkloadEntry is
/// made.
package struct EndpointPlace: Hashable, Sendable {
    private let address: String
    private let ports: [String: UInt16]

    package init(_ endpoint: ServiceEntry.Endpoint) {
        address = endpoint.address
        ports = endpoint.ports
    }

    /// As it stands in an object's `spec`; `nil` for what has no address.
    package init?(_ endpoint: JSONValue) {
        guard let address = endpoint["address"]?.string else { return nil }
        self.address = address
        let ports = (endpoint["ports"]?.object?.members ?? []).compactMap { member in
            member.value.integer.flatMap { UInt16(exactly: $0) }.map { (member.key, $0) }
        }
        self.ports = Dictionary(ports) { first, _ in first }
    }
}
