internal import IstioAPI
internal import Translation

/// What stands in the mesh for one registry.
package struct Standing: Sendable, Hashable {
    /// Those with an endpoint that the registry announces.
    package private(set) var services = 0
    package private(set) var instances = 0

    package init() {}

    mutating func add(_ instances: Int, _ sign: Int = 1) {
        if instances == 0 { return }
        services += sign
        self.instances += sign * instances
    }
}

extension ServiceEntry {
    /// How many of its endpoints each registry announces.
    var endpointCounts: [String: Int] {
        let names = Self.names(annotations)
        // An endpoint says so where not all registries announce it.
        if names.count < 2 { return Dictionary(names.map { ($0, endpoints.count) }) { $1 } }
        var counts: [String: Int] = [:]
        for endpoint in endpoints {
            for name in endpoint.annotations.isEmpty ? names : Self.names(endpoint.annotations) {
                counts[name, default: 0] += 1
            }
        }
        return counts
    }

    private static func names(_ annotations: [String: String]) -> [String] {
        (annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init)
    }
}
