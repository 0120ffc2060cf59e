/// The names that Kubernetes and istiod take (RFC 1123, `apimachinery/pkg/util/validation`).
package enum DNSName {
    package static let maximumLabelLength = 63
    /// Of an object's name.
    package static let maximumLength = 253

    /// The name of the one object of a kind that an installation has beside its services. What the installation's name
    /// has beyond lower-case letters, digits and `-` is written in hexadecimal.
    package static func objectName(ofInstallation instance: String) -> String {
        let encoded = instance.unicodeScalars.map { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-"
                ? String(scalar) : "-" + String(scalar.value, radix: 16) + "-"
        }
        return "isthmus-" + encoded.joined() + (encoded.last?.hasSuffix("-") == true ? "0" : "")
    }

    /// Lower-case letters, digits and `-`; 1 to 63; a letter or digit at either end.
    package static func isLabel(_ text: some StringProtocol) -> Bool {
        isLabel(Substring(text).utf8)
    }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        guard (1...maximumLabelLength).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen else {
            return false
        }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == hyphen }
    }

    /// Labels with dots between them, 253 bytes at most, as an object's name is.
    package static func isSubdomain(_ text: some StringProtocol) -> Bool {
        var rest = Substring(text).utf8
        if rest.count > maximumLength { return false }
        while let dot = rest.firstIndex(of: UInt8(ascii: ".")) {
            guard isLabel(rest[..<dot]) else { return false }
            rest = rest[rest.index(after: dot)...]
        }
        return isLabel(rest)
    }

    /// A value of a Kubernetes label: up to 63 of letters, digits, `-`, `_`, `.`, alphanumeric at either end, or empty.
    package static func isLabelValue(_ text: some StringProtocol) -> Bool {
        let bytes = Substring(text).utf8
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy(isLabelCharacter)
    }

    /// A key of a Kubernetes label: `[prefix/]name`.
    package static func isLabelKey(_ text: some StringProtocol) -> Bool {
        let text = Substring(text)
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            return !text.isEmpty && isLabelValue(text)
        }
        let name = text[text.utf8.index(after: slash)...]
        return !name.isEmpty && isLabelValue(name) && isSubdomain(text[..<slash])
    }

    package static func isLabelCharacter(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == hyphen || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    package static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    package static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static let hyphen = UInt8(ascii: "-")
}
