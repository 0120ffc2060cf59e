package import Addressing

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
