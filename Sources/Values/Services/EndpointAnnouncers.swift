internal import Addressing

/// The registries that announce each endpoint of a service, for the endpoints that not all registries of the service
/// announce.
///
/// It is empty for a service of one registry, and for one that all its registries describe alike.
package struct EndpointAnnouncers: Hashable, Sendable {
    private var names: [Endpoint: [String]] = [:]

    package init() {}

    package var isEmpty: Bool { names.isEmpty }

    /// `nil` for an endpoint that all registries of the service announce.
    package subscript(endpoint: Endpoint) -> [String]? {
        get { names[endpoint] }
        set { names[endpoint] = newValue }
    }

    /// All registries that are named, sorted.
    package var registries: [String] { Set(names.values.joined()).sorted() }

    /// Forgets all other endpoints.
    package mutating func keep(_ endpoints: Set<Endpoint>) {
        if !names.isEmpty { names = names.filter { endpoints.contains($0.key) } }
    }
}

// MARK: - Text

extension EndpointAnnouncers {
    /// The endpoints by the registries that announce them. A key has the names of registries with a comma between each
    /// two, which no name has; a value has `HOST:PORT` with a space between each two, sorted.
    package var groups: [String: String] {
        var endpoints: [String: [Endpoint]] = [:]
        for (endpoint, names) in names { endpoints[names.joined(separator: ","), default: []].append(endpoint) }
        return endpoints.mapValues { group in group.sorted().map(\.text).joined(separator: " ") }
    }

    /// Reads the groups back. An endpoint that can't be read is passed over.
    package init(groups: [String: String]) {
        for (names, endpoints) in groups {
            let names = names.split(separator: ",").map(String.init)
            if names.isEmpty { continue }
            for text in endpoints.split(separator: " ") {
                if let endpoint = Endpoint(text: text) { self.names[endpoint] = names }
            }
        }
    }
}

extension Endpoint {
    fileprivate var text: String { HostPort(host: "\(host)", port: Int(port)).description }

    fileprivate init?(text: Substring) {
        guard let place = HostPort(String(text)), let port = UInt16(exactly: place.port) else { return nil }
        self.init(host: IPAddress(place.host).map { .address($0) } ?? .name(place.host), port: port)
    }
}
