/// SHA-1 (RFC 3174) and HMAC (RFC 2104), by which Alibaba's access keys sign requests.
enum SHA1 {
    static func digest(of content: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        for block in MessageBlocks(content, lengthIsBigEndian: true).blocks {
            var words = (0..<16).map { word in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(block[4 * word + $1]) } }
            for index in 16..<80 {
                let word = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
                words.append(word.rotated(left: 1))
            }
            var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
            for step in 0..<80 {
                let (mix, constant): (UInt32, UInt32) =
                    switch step / 20 {
                    case 0: (b & c | ~b & d, 0x5A82_7999)
                    case 1: (b ^ c ^ d, 0x6ED9_EBA1)
                    case 2: (b & c | b & d | c & d, 0x8F1B_BCDC)
                    default: (b ^ c ^ d, 0xCA62_C1D6)
                    }
                let sum = a.rotated(left: 5) &+ mix &+ e &+ words[step] &+ constant
                (a, b, c, d, e) = (sum, a, b.rotated(left: 30), c, d)
            }
            for (index, word) in [a, b, c, d, e].enumerated() { state[index] &+= word }
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
    }

    static func authenticationCode(of content: [UInt8], key: [UInt8]) -> [UInt8] {
        var key = key.count > MessageBlocks.length ? digest(of: key) : key
        key += Array(repeating: 0, count: MessageBlocks.length - key.count)
        return digest(of: key.map { $0 ^ 0x5C } + digest(of: key.map { $0 ^ 0x36 } + content))
    }
}

/// A message in blocks of 64 bytes, with its padding and its length: the same for MD5 and SHA-1.
struct MessageBlocks {
    static let length = 64

    private let padded: [UInt8]

    init(_ content: [UInt8], lengthIsBigEndian: Bool) {
        let zeros = (Self.length * 2 - 9 - content.count % Self.length) % Self.length
        let bits = UInt64(content.count) << 3
        let length = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
        padded = content + [0x80] + Array(repeating: 0, count: zeros) + (lengthIsBigEndian ? length.reversed() : length)
    }

    var blocks: some Sequence<ArraySlice<UInt8>> {
        stride(from: 0, to: padded.count, by: Self.length).lazy.map { start in
            // Every block has indices from 0.
            ArraySlice(Array(padded[start..<start + Self.length]))
        }
    }
}

extension UInt32 {
    func rotated(left count: UInt32) -> UInt32 { self << count | self >> (32 - count) }
}
