package import Addressing

/// The hosts that an instance may have. Every registry reads the hosts of its instances here.
package struct HostRules: Sendable, Hashable {
    /// Loopback addresses and `localhost`, where consumers and providers run on one machine: tests.
    package var allowsLoopback: Bool
    /// Names that have to be resolved.
    package var allowsNames: Bool
    /// The virtual addresses of services. One of them would lead a call back to its service.
    package var virtualBlock: CIDRBlock?

    package init(allowsLoopback: Bool = false, allowsNames: Bool = true, virtualBlock: CIDRBlock? = nil) {
        self.allowsLoopback = allowsLoopback
        self.allowsNames = allowsNames
        self.virtualBlock = virtualBlock
    }
}

/// Why an instance can't be reached at its host.
package struct UnreachableHost: Error, Hashable, Sendable {
    /// It names the host.
    package var reason: String
    /// Whether the text is an address or a name, though one that leads nowhere.
    package var isHost = true
}

extension HostRules {
    /// Reads an address or a name.
    /// - Throws: `UnreachableHost` for text that is neither, and for a host that no consumer can reach.
    package func host(_ text: String) throws(UnreachableHost) -> InstanceHost {
        let shown = "'\(text.prefix(100))'"
        if let address = IPAddress(text)?.unmapped {
            if let problem = problem(address) { throw UnreachableHost(reason: "the host \(shown) \(problem)") }
            return .address(address)
        }
        let name = text.lowercased()
        guard Self.isName(name) else {
            let isAddress = text.utf8.allSatisfy {
                Self.isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
            }
            throw UnreachableHost(
                reason: "the host \(shown) is no \(isAddress ? "IP address" : "host name")", isHost: false)
        }
        if !allowsLoopback, name == "localhost" || name.hasSuffix(".localhost") {
            throw UnreachableHost(reason: "the host \(shown) is each consumer itself")
        }
        if !allowsNames {
            throw UnreachableHost(
                reason: "the host \(shown) is a name, and translation.hostNames refuses names; register an address")
        }
        return .name(name)
    }

    private func problem(_ address: IPAddress) -> String? {
        if address.isUnspecified { return "stands for all addresses of its machine; register one of them" }
        if address.isLoopback, !allowsLoopback { return "is a loopback address: each consumer itself" }
        if address.isLinkLocal { return "is a link-local address, which leads nowhere from another network" }
        if address.isMulticast { return "is a multicast address, which is no single machine's" }
        if address.isBroadcast { return "is the broadcast address, which is no single machine's" }
        if virtualBlock?.contains(address) == true {
            return "is of the block of virtual addresses, which lead to services and not to instances"
        }
        return nil
    }

    /// Whether the text is a host name (RFC 1123) in lower case: up to 253 characters, in labels of up to 63 letters,
    /// digits and `-`. The last label is no number.
    private static func isName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last, !last.allSatisfy(isDigit) else { return false }
        let hyphen = UInt8(ascii: "-")
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy {
                    isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == hyphen
                }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
