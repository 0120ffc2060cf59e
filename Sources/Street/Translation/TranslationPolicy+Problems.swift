internal import Addressing
internal import IstioAPI

/// Why a value can't be in a policy, for people; `nil` for one that can.
extension TranslationPolicy {
    package var instanceProblem: String? {
        instance.isEmpty || !DNSName.isLabelValue(instance)
            ? "'\(instance)' can't be the value of a label: up to 63 letters, digits, '-', '_' and '.'" : nil
    }

    package var namespaceProblem: String? {
        DNSName.isLabel(namespace) ? nil : "'\(namespace)' can't be the name of a namespace"
    }

    /// `orders.shop` would be the Service `orders` of a namespace `shop`.
    package var domainProblem: String? {
        let domain = hosts.domain
        if domain.isEmpty { return nil }
        if domain.utf8.count > HostNaming.maximumDomainLength {
            return "it has \(domain.utf8.count) characters, more than \(HostNaming.maximumDomainLength)"
        }
        let last = domain.split(separator: ".").last ?? ""
        guard DNSName.isSubdomain(domain), !last.allSatisfy(\.isNumber) else {
            return "'\(domain)' can't be the end of a host name in lower case"
        }
        if isKnownNamespace(domain) {
            return "'\(domain)' is a namespace: a host such as 'orders.\(domain)' would be the Service 'orders' there"
        }
        return isOfCluster(domain) ? "'\(domain)' belongs to the cluster" : nil
    }

    package var addressProblem: String? {
        guard case .block(let block) = addresses else { return nil }
        if block.usableCount < Self.minimumAddresses {
            return "\(block) has \(block.usableCount) usable addresses, fewer than \(Self.minimumAddresses): each "
                + "service needs one of its own"
        }
        if let other = Self.unusableBlocks.first(where: block.overlaps) {
            return "\(block) overlaps \(other), whose addresses can't be a service's"
        }
        return Self.istiodBlocks.first(where: block.overlaps).map { other in
            "\(block) overlaps \(other), from which istiod gives addresses to other hosts: the same address would lead "
                + "to two services"
        }
    }

    /// Whoever configures fewer has most likely mistaken the length of the prefix.
    private static let minimumAddresses: UInt64 = 100

    /// Unspecified, loopback, link-local, multicast and broadcast addresses.
    private static let unusableBlocks = [
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/127", "fe80::/10",
        "ff00::/8",
    ].compactMap { CIDRBlock($0) }

    /// With the default of `PILOT_IP_AUTOALLOCATE_IPV6_PREFIX`.
    private static let istiodBlocks = [istiodBlock] + ["2001:2::/48"].compactMap { CIDRBlock($0) }

    package var exportProblem: String? {
        for name in exportTo where !["*", ".", "~"].contains(name) && !DNSName.isLabel(name) {
            return "'\(name)' is neither '.', '*', '~' nor a namespace"
        }
        if Set(exportTo).count < exportTo.count { return "an entry stands twice" }
        let standsAlone = exportTo.first { $0 == "*" || $0 == "~" }
        return exportTo.count > 1 ? standsAlone.map { "'\($0)' stands alone" } : nil
    }

    /// Endpoints inline could not carry two instances at one address.
    package var endpointProblem: String? {
        mesh == .ambient && endpoints == .inline
            ? "with 'mesh: ambient' an address of a ServiceEntry is one endpoint, and of two instances at one address one "
                + "would be lost; use 'auto'" : nil
    }

    package var allowedHostProblem: String? {
        let bad = allowedHosts.first { pattern in
            let fixed =
                pattern.hasPrefix("*")
                ? pattern.dropFirst() : pattern.hasSuffix("*") ? pattern.dropLast() : pattern[...]
            return fixed.isEmpty && pattern.isEmpty
                || !fixed.utf8.allSatisfy {
                    DNSName.isLowerAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
                }
        }
        return bad.map { "'\($0)' is no host in lower case, with '*' at one end at most" }
    }

    package var plainProtocolProblem: String? {
        let known = protocols.map(\.name)
        guard let unknown = hosts.plainProtocols.sorted().first(where: { !known.contains($0) }) else { return nil }
        return "there is no protocol '\(unknown)'; there are \(known.sorted().joined(separator: ", "))"
    }

    /// A registry may not set labels that steer the mesh.
    package var labelProblem: String? {
        for key in keptLabels {
            if !DNSName.isLabelKey(key) { return "'\(key)' can't be the key of a label" }
            let prefix = key.split(separator: "/").first.map(String.init) ?? ""
            let isReserved =
                key.contains("/")
                && (prefix == "istio.io" || prefix.hasSuffix(".istio.io") || prefix.hasPrefix("topology.")
                    || prefix == "kubernetes.io" || prefix.hasSuffix(".kubernetes.io"))
            if isReserved { return "'\(key)' steers the mesh; a registry may not set it" }
        }
        return nil
    }
}
