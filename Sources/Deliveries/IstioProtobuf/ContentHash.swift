/// A hash of content that is the same in every process and every release.
package enum ContentHash {
    /// Twice FNV-1a with 64 bits, from two starts, as 32 hexadecimal digits.
    package static func text(of bytes: [UInt8]) -> String {
        let (first, second) = value(of: bytes)
        return hex(first) + hex(second)
    }

    package static func value(of bytes: [UInt8]) -> (UInt64, UInt64) {
        var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15)
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
            second = (second ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return (mixed(first), mixed(second))
    }

    /// The finalizer of MurmurHash3, since FNV's upper bits mix poorly.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var hash = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }

    package static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
