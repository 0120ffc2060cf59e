/// CRC-64/XZ.
///
/// It finds every single run of up to 64 wrong bits, as disks and broken copies make them. Other damage it misses once
/// in 2⁶⁴. A hash such as FNV finds no kind of damage for certain. The checksum does not protect from forgery: a user
/// who may write the file may write a whole one.
struct Checksum: Sendable {
    private static let table: [UInt64] = (0..<256).map { index in
        (0..<8).reduce(UInt64(index)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : 0xC96C_5795_D787_0F42) }
    }

    private var register = UInt64.max

    var value: UInt64 { ~register }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var register = register
        Self.table.withUnsafeBufferPointer { table in
            for byte in bytes { register = table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ register >> 8 }
        }
        self.register = register
    }
}
