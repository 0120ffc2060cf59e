/// A hash that is the same in every process and every release: names and addresses are derived from it.
package enum StableHash {
    /// FNV-1a with 64 bits, and the finalizer of MurmurHash3 behind it, since FNV's upper bits mix poorly.
    package static func value(of text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }

    package static func text(of text: String, digits: Int) -> String {
        let hex = String(value(of: text), radix: 16)
        return String((String(repeating: "0", count: 16 - hex.count) + hex).prefix(digits))
    }
}
