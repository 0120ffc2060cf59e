internal import IstioAPI
internal import Services

/// The labels of a host in front of its domain, in the making.
struct HostLabels {
    /// The keys of qualifiers that have a prefix `<key>-` of their own. A name with such a label gets the hash, and so
    /// does a qualifier with any other key. A key that is added here changes the hosts of names that have its prefix.
    static let otherKeys: Set<String> = [ServiceID.Key.scope, "namespace", "datacenter"]

    private static let prefixes = ["g-", "v-", "p-", "h-"] + otherKeys.map { $0 + "-" }
    private static let hyphen = UInt8(ascii: "-")
    private static let dot = UInt8(ascii: ".")

    private var labels: [String] = []
    /// Whether the labels alone don't tell the service from all others.
    var needsHash = false

    /// Each part between the dots of a name is a label.
    init(name: String) {
        for part in name.lowercasedInASCII.split(separator: Self.dot, omittingEmptySubsequences: false) {
            if part.isEmpty { needsHash = true } else { add(part) }
        }
        if labels.isEmpty { labels = ["x"] }
        let looksQualified = labels.contains { label in Self.prefixes.contains { label.hasPrefix($0) } }
        if looksQualified { needsHash = true }
    }

    mutating func add(_ prefix: String, _ value: String) {
        add((prefix + value).lowercasedInASCII[...])
    }

    /// Adds a version, in which `.` becomes `-`, and `-` becomes `--`.
    mutating func addVersion(_ version: String) {
        var label = Array("v-".utf8)
        var previous: UInt8?
        for byte in version.lowercasedInASCII {
            // Three hyphens in a row would have several meanings.
            let isBesideDot = previous == Self.dot && (byte == Self.dot || byte == Self.hyphen)
            if isBesideDot || byte == Self.dot && (previous == Self.hyphen || previous == nil) { needsHash = true }
            label.append(byte == Self.dot ? Self.hyphen : byte)
            if byte == Self.hyphen { label.append(byte) }
            previous = byte
        }
        add(label[...])
    }

    /// Adds a label, with `-` for bytes that it can't have.
    private mutating func add(_ text: ArraySlice<UInt8>) {
        let label = String(decoding: text, as: UTF8.self)
        if DNSName.isLabel(label) { return labels.append(label) }
        needsHash = true
        let cleaned = text.map { DNSName.isLowerAlphanumeric($0) ? $0 : Self.hyphen }.drop { $0 == Self.hyphen }
        var short = cleaned.prefix(DNSName.maximumLabelLength)
        while short.last == Self.hyphen { short.removeLast() }
        labels.append(short.isEmpty ? "x" : String(decoding: short, as: UTF8.self))
    }

    /// Whether istiod would take the labels for an address.
    var endInNumber: Bool { labels.last?.allSatisfy(\.isNumber) ?? false }

    /// - Parameter hash: A label for the host of a service that needs one.
    func joined(hash: () -> String) -> String {
        let name = labels.joined(separator: ".")
        if !needsHash, name.utf8.count <= HostNaming.maximumLength { return name }
        let suffix = "." + hash()
        var room = HostNaming.maximumLength - suffix.utf8.count + 1
        let front = labels.prefix { label in
            room -= label.utf8.count + 1
            return room >= 0
        }
        return front.joined(separator: ".") + suffix
    }
}

extension String {
    /// Only ASCII: an upper-case letter of another script may have a lower-case one of ASCII.
    fileprivate var lowercasedInASCII: [UInt8] {
        utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
