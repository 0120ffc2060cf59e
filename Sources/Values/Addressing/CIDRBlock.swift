/// A block of addresses, such as `240.16.0.0/12` (RFC 4632).
package struct CIDRBlock: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the block.
    package let base: IPAddress
    package let prefixLength: Int

    /// - Precondition: No bit of `base` is set beyond the prefix.
    package init(base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }

    /// Reads an address, a slash and a prefix length. `nil` for anything else, and for a bit beyond the prefix.
    package init?(_ text: String) {
        self.init(around: text)
        guard base == IPAddress(text.prefix { $0 != "/" }) else { return nil }
    }

    /// Reads the block of an address: `10.1.2.3/8` is 10.0.0.0/8. `nil` for anything else.
    package init?(around text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = Self.prefixLength(parts[1])
        else { return nil }
        switch address {
        case .v4(let value):
            guard length <= 32 else { return nil }
            self.init(base: .v4(length == 0 ? 0 : value & UInt32.max << UInt32(32 - length)), prefixLength: length)
        case .v6(let bits):
            guard length <= 128 else { return nil }
            let number = length == 0 ? 0 : bits.number & UInt128.max << UInt128(128 - length)
            self.init(base: .v6(IPv6Bits(number)), prefixLength: length)
        }
    }

    /// Reads digits without a sign or a leading zero, as Go's `netip.ParsePrefix` does.
    private static func prefixLength(_ text: some StringProtocol) -> Int? {
        guard let length = Int(text), text == "\(length)", length >= 0 else { return nil }
        return length
    }

    package var description: String { "\(base)/\(prefixLength)" }

    /// The number of usable addresses: all but the first and the last, and at most 2⁶².
    package var usableCount: UInt64 {
        let bits: Int =
            switch base {
            case .v4: 32 - prefixLength
            case .v6: 128 - prefixLength
            }
        return bits >= 62 ? 1 << 62 : max((1 << UInt64(bits)), 2) - 2
    }

    /// The usable address with this number, from 0 to `usableCount` − 1.
    package func usableAddress(_ index: UInt64) -> IPAddress {
        switch base {
        case .v4(let value): .v4(value + UInt32(index) + 1)
        case .v6(let bits): .v6(IPv6Bits(bits.number + UInt128(index) + 1))
        }
    }

    package func overlaps(_ other: CIDRBlock) -> Bool { contains(other.base) || other.contains(base) }

    package func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4(let base), .v4(let address)):
            prefixLength == 0 || base >> UInt32(32 - prefixLength) == address >> UInt32(32 - prefixLength)
        case (.v6(let base), .v6(let address)):
            prefixLength == 0
                || base.number >> UInt128(128 - prefixLength) == address.number >> UInt128(128 - prefixLength)
        default:
            false
        }
    }
}
