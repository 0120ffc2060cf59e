internal import IstioAPI
internal import Services

/// Hosts of services: `<name>[.g-<group>][.v-<version>][.<other>-<value>…]` in lower case, with `-` for characters that
/// a label can't have.
///
/// A host is a valid DNS-1123 name, whatever a registry says. Two services may have the same host where a part was
/// cleaned or shortened; then `Assignments` gives one of them a `qualified` host.
enum HostNaming {
    /// It leaves room for the suffix of a protocol in an object's name.
    static let maximumLength = 240

    static func host(of id: ServiceID) -> String {
        let host = fullHost(of: id)
        return host.utf8.count <= maximumLength ? host : qualifiedHost(of: id, attempt: 0)
    }

    /// The host of a service whose plain host belongs to another.
    /// - Parameter attempt: From 0; the next one where this host belongs to another too.
    static func qualifiedHost(of id: ServiceID, attempt: Int) -> String {
        let host = fullHost(of: id)
        let suffix = ".h-" + StableHash.text(of: id.description + String(repeating: "#", count: attempt), digits: 10)
        return (host.utf8.count + suffix.utf8.count <= maximumLength ? host : shortened(host)) + suffix
    }

    private static func fullHost(of id: ServiceID) -> String {
        var labels = id.name.split(separator: ".").map { label(String($0)) }
        if labels.isEmpty { labels = ["unnamed"] }
        // A host that ends in a number looks like an IPv4 address to istiod.
        if let last = labels.last, last.allSatisfy(\.isNumber) { labels[labels.count - 1] = "i-" + last }
        if !id.group.isEmpty { labels.append(label("g-" + id.group, isQualifier: true)) }
        if !id.version.isEmpty { labels.append(label("v-" + id.version, isQualifier: true)) }
        for qualifier in id.qualifiers where ![ServiceID.Key.group, ServiceID.Key.version].contains(qualifier.key) {
            labels.append(label(of: qualifier))
        }
        return labels.joined(separator: ".")
    }

    /// The name of the object for a protocol that is not the host's first.
    static func qualifiedName(host: String, protocol: String) -> String {
        host + ".p-" + `protocol`
    }

    /// The host of the service that has an object of this name. No host has a last label like the suffix.
    static func host(ofObject name: String) -> String {
        guard let dot = name.lastIndex(of: "."), name[dot...].hasPrefix(".p-") else { return name }
        return String(name[..<dot])
    }

    /// Prefixes with a meaning in a host. The labels of a service's name don't begin with them.
    private static let prefixes = ["g-", "v-", "h-", "p-", "i-"]

    /// `<key>-<value>`, with `q-` in front where that would look like another part of a host.
    private static func label(of qualifier: ServiceID.Qualifier) -> String {
        let label = label("\(qualifier.key)-\(qualifier.value)", isQualifier: true)
        let isMisleading = prefixes.contains { label.hasPrefix($0) } || label.allSatisfy(\.isNumber)
        return isMisleading ? self.label("q-" + label, isQualifier: true) : label
    }

    private static func label(_ text: String, isQualifier: Bool = false) -> String {
        var bytes = text.lowercased().utf8.map { DNSName.isLowerAlphanumeric($0) ? $0 : UInt8(ascii: "-") }
        while bytes.last == UInt8(ascii: "-") { bytes.removeLast() }
        bytes = Array(bytes.drop { $0 == UInt8(ascii: "-") })
        var label = bytes.isEmpty ? "x" : String(decoding: bytes, as: UTF8.self)
        if !isQualifier, prefixes.contains(where: { label.hasPrefix($0) }) { label = "i-" + label }
        guard label.utf8.count > DNSName.maximumLabelLength else { return label }
        return String(label.prefix(DNSName.maximumLabelLength - 9)) + "-" + StableHash.text(of: text, digits: 8)
    }

    /// The host's beginning, cut between labels, with room for a hash.
    private static func shortened(_ host: String) -> String {
        let cut = host.prefix(maximumLength - 16)
        return String(cut[..<(cut.lastIndex(of: ".") ?? cut.endIndex)])
    }
}
