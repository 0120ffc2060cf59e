/// The names that Kubernetes and istiod take (RFC 1123, `apimachinery/pkg/util/validation`).
package enum DNSName {
    package static let maximumLabelLength = 63
    /// Of an object's name.
    package static let maximumLength = 253

    /// Lower-case letters, digits and `-`; 1 to 63; a letter or digit at either end.
    package static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Substring(text).utf8
        guard (1...maximumLabelLength).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen else {
            return false
        }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == hyphen }
    }

    /// Labels with dots between them, 253 bytes at most, as an object's name is.
    package static func isSubdomain(_ text: some StringProtocol) -> Bool {
        text.utf8.count <= maximumLength
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
    }

    /// A value of a Kubernetes label: up to 63 of letters, digits, `-`, `_`, `.`, alphanumeric at either end, or empty.
    package static func isLabelValue(_ text: some StringProtocol) -> Bool {
        let bytes = Substring(text).utf8
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy(isLabelCharacter)
    }

    /// A key of a Kubernetes label: `[prefix/]name`.
    package static func isLabelKey(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, isLabelValue(name) else { return false }
        return parts.count == 1 || parts.count == 2 && isSubdomain(parts[0])
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
