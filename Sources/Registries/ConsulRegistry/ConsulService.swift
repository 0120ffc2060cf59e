internal import Consul

/// A service of Consul: where it is, and its name.
struct ConsulService: Hashable, Sendable {
    /// The service of the servers themselves. A token that may read everything always sees it.
    static let ofServers = "consul"

    var scope: ConsulScope
    var name: String
}

extension ConsulService: Comparable {
    static func < (left: ConsulService, right: ConsulService) -> Bool {
        (left.name, left.scope.description) < (right.name, right.scope.description)
    }
}

extension ConsulService: CustomStringConvertible {
    var description: String { scope.description.isEmpty ? name : "\(scope)/\(name)" }
}
