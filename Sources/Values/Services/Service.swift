package import Addressing

/// What a service is called in its registry: an interface, and the group and version that set its variants apart.
package struct ServiceID: Hashable, Sendable {
    package var name: String
    /// Empty for none.
    package var group: String
    /// Empty for none.
    package var version: String

    package init(name: String, group: String = "", version: String = "") {
        self.name = name
        self.group = group
        self.version = version
    }
}

extension ServiceID: Comparable {
    /// By bytes: Swift's own order of strings is none where some are not in Unicode's normal form (a < b and b < c, but not a < c),
    /// and then a sorted list depends on where it began, and going through it page by page may never end.
    package static func < (left: ServiceID, right: ServiceID) -> Bool {
        precedes(left.name, right.name) ?? precedes(left.group, right.group) ?? precedes(left.version, right.version)
            ?? false
    }
}

/// `nil` for the same bytes.
private func precedes(_ left: String, _ right: String) -> Bool? {
    var (left, right) = (left, right)
    return left.withUTF8 { left in
        right.withUTF8 { right in
            for (left, right) in zip(left, right) where left != right { return left < right }
            return left.count == right.count ? nil : left.count < right.count
        }
    }
}

/// Where an instance can be reached. Addresses sort before names.
package enum InstanceHost: Hashable, Sendable, Comparable, CustomStringConvertible {
    case address(IPAddress)
    /// A DNS name, in lower case.
    case name(String)

    package var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .name(let name): name
        }
    }

    /// Whether it is resolved before it is reached.
    package var isName: Bool {
        if case .name = self { true } else { false }
    }
}

/// A service as all registries together describe it.
package struct Service: Hashable, Sendable {
    package var id: ServiceID
    /// One for each address, port and protocol, sorted by those.
    package var instances: [Instance]
    /// The registries that announce it, in the configured order.
    package var registries: [String]

    package init(id: ServiceID, instances: [Instance], registries: [String]) {
        self.id = id
        self.instances = instances
        self.registries = registries
    }
}
