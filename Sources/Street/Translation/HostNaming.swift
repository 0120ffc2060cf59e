internal import IstioAPI
package import Services

/// Hosts of services: `<name>[.g-<group>][.v-<version>][.<other>-<value>…][.p-<protocol>].<domain>`, in lower case.
///
/// A host depends on nothing but the service. It is a valid DNS-1123 name, whatever a registry says. Two services that
/// differ in case only have the same host. All others have different ones: a host that had to be cleaned or shortened,
/// or that could be read in two ways, has a label `h-` with a hash of the service.
package struct HostNaming: Sendable, Hashable {
    /// What every host ends in; empty for nothing.
    package var domain: String
    /// The names of the protocols that don't show in a host.
    package var plainProtocols: Set<String>

    /// Of a host without its domain. Together they fit in a host name, and a WorkloadEntry can be named after the
    /// first.
    static let maximumLength = 189
    package static let maximumDomainLength = 63

    package init(domain: String = "mesh", plainProtocols: Set<String> = []) {
        self.domain = domain
        self.plainProtocols = plainProtocols
    }

    package func host(of id: ServiceID) -> String { host(ofObject: objectName(of: id)) }

    package func host(ofObject name: String) -> String { domain.isEmpty ? name : name + "." + domain }

    /// The host without the domain; the name of the service's object.
    package func objectName(of id: ServiceID) -> String {
        var labels = HostLabels(name: id.name)
        if !id.group.isEmpty { labels.add("g-", id.group) }
        if !id.version.isEmpty { labels.addVersion(id.version) }
        for qualifier in id.qualifiers where !ServiceID.Key.withPrefix.contains(qualifier.key) {
            if !HostLabels.otherKeys.contains(qualifier.key) { labels.needsHash = true }
            labels.add(qualifier.key + "-", qualifier.value)
        }
        if !plainProtocols.contains(id.protocol) { labels.add("p-", id.protocol) }
        if domain.isEmpty, labels.endInNumber { labels.needsHash = true }
        return labels.joined { "h-" + StableHash.text(of: id.description, digits: 10) }
    }
}

extension ServiceID.Key {
    /// The qualifiers with a prefix of their own.
    fileprivate static let withPrefix = [group, version, `protocol`]
}
