/// An IPv4 or IPv6 address, without a zone.
///
/// IPv4 sorts before IPv6, and each by its number. The text is canonical (RFC 5952 for IPv6): an address has one
/// spelling.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(IPv6Bits)

    /// Reads `10.0.0.1`, `::1` or `2001:db8::1.2.3.4`. `nil` for anything else, such as a name, a zone or brackets.
    package init?(_ text: Substring) {
        let parsed =
            text.utf8.contains(UInt8(ascii: ":"))
            ? Self.readV6(text.utf8).map { IPAddress.v6(IPv6Bits($0)) }
            : Self.readV4(text.utf8).map { IPAddress.v4($0) }
        guard let parsed else { return nil }
        self = parsed
    }

    package init?(_ text: String) { self.init(Substring(text)) }

    package var isUnspecified: Bool { self == .v4(0) || self == .v6(IPv6Bits(0)) }

    package var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let bits): bits.number == 1
        }
    }

    /// Whether the address is of 169.254.0.0/16 or fe80::/10, the addresses that one network has for itself.
    package var isLinkLocal: Bool {
        switch self {
        case .v4(let value): value >> 16 == 0xA9FE
        case .v6(let bits): bits.number >> 118 == 0xFE80 >> 6
        }
    }

    /// Whether the address is that of all hosts of a network, 255.255.255.255.
    package var isBroadcast: Bool { self == .v4(.max) }

    /// The IPv4 address in an IPv4-mapped one (`::ffff:10.0.0.1`); the address itself for any other.
    package var unmapped: IPAddress {
        guard case .v6(let bits) = self, bits.number >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: bits.number))
    }

    /// Whether the address is of 224.0.0.0/4 or ff00::/8, the addresses of groups.
    package var isMulticast: Bool {
        switch self {
        case .v4(let value): value >> 28 == 0xE
        case .v6(let bits): bits.number >> 120 == 0xFF
        }
    }
}

/// The 128 bits of an IPv6 address, in two halves: an address is 8 bytes smaller than with a `UInt128`, whose alignment
/// is 16 bytes. Swift 6.2 also passes small structs with a `UInt128` at a wrong alignment.
package struct IPv6Bits: Hashable, Sendable, Comparable {
    private let high: UInt64
    private let low: UInt64

    package init(_ number: UInt128) {
        high = UInt64(truncatingIfNeeded: number >> 64)
        low = UInt64(truncatingIfNeeded: number)
    }

    package var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

    package static func < (left: IPv6Bits, right: IPv6Bits) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension IPAddress: Comparable {
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let left), .v4(let right)): left < right
        case (.v6(let left), .v6(let right)): left < right
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}

// MARK: - Reading

extension IPAddress {
    private static func readV4(_ text: Substring.UTF8View) -> UInt32? {
        var address: UInt32 = 0
        var part: UInt32 = 0
        var (dots, digits) = (0, 0)
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                // Some programs read "010" as octal and others as decimal.
                if digits > 0, part == 0 { return nil }
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
                if part > 255 { return nil }
            case UInt8(ascii: "."):
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | part
                dots += 1
                (part, digits) = (0, 0)
            default: return nil
            }
        }
        return dots == 3 && digits > 0 ? address << 8 | part : nil
    }

    private static func readV6(_ text: Substring.UTF8View) -> UInt128? {
        let string = Substring(text)
        var halves: [Substring] = [string]
        if let gap = firstGap(in: string) {
            halves = [string[..<gap], string[string.utf8.index(gap, offsetBy: 2)...]]
            if firstGap(in: halves[1]) != nil { return nil }
        }
        guard let head = groups(halves[0], mayEndInV4: halves.count == 1),
            let tail = halves.count == 2 ? groups(halves[1], mayEndInV4: true) : []
        else { return nil }
        let missing = 8 - head.count - tail.count
        guard halves.count == 2 ? missing >= 1 : missing == 0 else { return nil }
        return (head + [UInt16](repeating: 0, count: missing) + tail).reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func firstGap(in text: Substring) -> Substring.Index? {
        var previous: UInt8 = 0
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            if byte == UInt8(ascii: ":"), previous == byte { return text.utf8.index(before: index) }
            previous = byte
        }
        return nil
    }

    private static func groups(_ text: Substring, mayEndInV4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, mayEndInV4, part.contains(".") {
                guard let v4 = readV4(part.utf8) else { return nil }
                groups += [UInt16(v4 >> 16), UInt16(v4 & 0xFFFF)]
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }
}

// MARK: - Writing

extension IPAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .v4(let value):
            Self.text(of: value)
        case .v6(let bits):
            Self.text(of: bits.number)
        }
    }

    private static func text(of value: UInt32) -> String {
        String(unsafeUninitializedCapacity: 15) { text in
            var count = 0
            func add(_ byte: UInt8) {
                text[count] = byte
                count += 1
            }
            for shift in stride(from: 24, through: 0, by: -8) {
                let part = UInt8(truncatingIfNeeded: value >> shift)
                if shift < 24 { add(UInt8(ascii: ".")) }
                if part >= 100 { add(UInt8(ascii: "0") + part / 100) }
                if part >= 10 { add(UInt8(ascii: "0") + part / 10 % 10) }
                add(UInt8(ascii: "0") + part % 10)
            }
            return count
        }
    }

    /// The text of RFC 5952: lower case, no leading zeros, `::` for the first longest run of two or more zero groups.
    private static func text(of value: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            let end = groups[index...].firstIndex { $0 != 0 } ?? 8
            if end - index > best.count { best = index..<end }
            index = end + 1
        }
        func hex(_ part: some Sequence<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        if best.count < 2 { return hex(groups) }
        return hex(groups[..<best.lowerBound]) + "::" + hex(groups[best.upperBound...])
    }
}
