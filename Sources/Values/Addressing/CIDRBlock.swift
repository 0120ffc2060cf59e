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
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPAddress(parts[0]), let prefixLength = Self.prefixLength(parts[1])
        else { return nil }
        self.base = base
        self.prefixLength = prefixLength
        switch base {
        case .v4(let value):
            guard prefixLength <= 32, UInt64(value) & (1 << UInt64(32 - prefixLength) - 1) == 0 else { return nil }
        case .v6(let value):
            guard prefixLength <= 128, value << UInt128(prefixLength) == 0 else { return nil }
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
        case .v6(let value): .v6(value + UInt128(index) + 1)
        }
    }

    package func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.v4(let base), .v4(let address)):
            prefixLength == 0 || base >> UInt32(32 - prefixLength) == address >> UInt32(32 - prefixLength)
        case (.v6(let base), .v6(let address)):
            prefixLength == 0 || base >> UInt128(128 - prefixLength) == address >> UInt128(128 - prefixLength)
        default:
            false
        }
    }
}
