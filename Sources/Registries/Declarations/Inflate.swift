/// Decompresses zlib (RFC 1950, RFC 1951), for small contents.
///
/// None of the dependencies offers this for bytes that are no HTTP body, and the system's zlib would be one more thing
/// to install. It reads a bit at a time, as Mark Adler's `puff` does.
struct Inflate {
    private let input: [UInt8]
    private var position: Int
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []
    private let limit: Int

    private init(_ input: [UInt8], from position: Int, limit: Int) {
        self.input = input
        self.position = position
        self.limit = limit
    }

    /// - Parameter limit: The longest result. A short input may stand for a thousand times its length.
    static func zlib(_ bytes: [UInt8], limit: Int) throws(DecodingFailure) -> [UInt8] {
        guard bytes.count >= 6, bytes[0] & 15 == 8, (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0,
            bytes[1] & 0x20 == 0
        else { throw DecodingFailure(reason: "it is not zlib") }
        var inflate = Inflate(bytes, from: 2, limit: limit)
        try inflate.run()
        let checksum = bytes.dropFirst(inflate.position).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard bytes.count - inflate.position >= 4, checksum == adler32(inflate.output) else {
            throw DecodingFailure(reason: "the checksum of its zlib content is wrong")
        }
        return inflate.output
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    private mutating func run() throws(DecodingFailure) {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try copyStored()
            case 1: try inflateBlock(.fixedLengths, .fixedDistances)
            case 2:
                let codes = try readCodes()
                try inflateBlock(codes.lengths, codes.distances)
            default: throw Self.broken
            }
        }
    }

    private static let broken = DecodingFailure(reason: "its zlib content is broken")

    // MARK: Bits

    private mutating func take(_ count: Int) throws(DecodingFailure) -> Int {
        while bitCount < count {
            guard position < input.count else { throw Self.broken }
            bits |= UInt32(input[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        let value = bits & (1 << UInt32(count) - 1)
        bits >>= UInt32(count)
        bitCount -= count
        return Int(value)
    }

    private mutating func symbol(_ code: HuffmanCode) throws(DecodingFailure) -> Int {
        var value = 0
        var first = 0
        var index = 0
        for count in code.counts.dropFirst() {
            value |= try take(1)
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        throw Self.broken
    }

    // MARK: Blocks

    private mutating func append(_ byte: UInt8) throws(DecodingFailure) {
        guard output.count < limit else {
            throw DecodingFailure(reason: "its zlib content is longer than \(limit) bytes")
        }
        output.append(byte)
    }

    private mutating func copyStored() throws(DecodingFailure) {
        (bits, bitCount) = (0, 0)
        guard position + 4 <= input.count else { throw Self.broken }
        let length = Int(input[position]) | Int(input[position + 1]) << 8
        let complement = Int(input[position + 2]) | Int(input[position + 3]) << 8
        position += 4
        guard length == ~complement & 0xFFFF, position + length <= input.count else { throw Self.broken }
        for byte in input[position..<position + length] { try append(byte) }
        position += length
    }

    private mutating func inflateBlock(
        _ lengths: HuffmanCode, _ distances: HuffmanCode
    ) throws(DecodingFailure) {
        while true {
            let symbol = try symbol(lengths)
            if symbol < 256 {
                try append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol - 257 < Self.lengths.count else { throw Self.broken }
            let length = Self.lengths[symbol - 257]
            let count = length.base + (try take(length.extra))
            let distanceSymbol = try self.symbol(distances)
            guard distanceSymbol < Self.distances.count else { throw Self.broken }
            let distance = Self.distances[distanceSymbol]
            let back = distance.base + (try take(distance.extra))
            guard back <= output.count else { throw Self.broken }
            for _ in 0..<count { try append(output[output.count - back]) }
        }
    }

    private mutating func readCodes() throws(DecodingFailure) -> (lengths: HuffmanCode, distances: HuffmanCode) {
        let lengthCount = try take(5) + 257
        let distanceCount = try take(5) + 1
        let codeCount = try take(4) + 4
        guard lengthCount <= 286, distanceCount <= 30 else { throw Self.broken }
        var codeLengths = [Int](repeating: 0, count: 19)
        for index in Self.codeOrder.prefix(codeCount) { codeLengths[index] = try take(3) }
        let code = try Self.code(codeLengths)
        var lengths: [Int] = []
        while lengths.count < lengthCount + distanceCount {
            switch try symbol(code) {
            case 16:
                guard let last = lengths.last else { throw Self.broken }
                lengths += Array(repeating: last, count: 3 + (try take(2)))
            case 17: lengths += Array(repeating: 0, count: 3 + (try take(3)))
            case 18: lengths += Array(repeating: 0, count: 11 + (try take(7)))
            case let length: lengths.append(length)
            }
        }
        guard lengths.count == lengthCount + distanceCount, lengths[256] > 0 else { throw Self.broken }
        return (try Self.code(Array(lengths[..<lengthCount])), try Self.code(Array(lengths[lengthCount...])))
    }

    private static func code(_ lengths: [Int]) throws(DecodingFailure) -> HuffmanCode {
        guard let code = HuffmanCode(lengths) else { throw broken }
        return code
    }
}

// MARK: - Tables

extension Inflate {
    private typealias Range = (base: Int, extra: Int)

    private static let lengths: [Range] = ranges(from: 3, groupOf: 4, count: 28) + [(258, 0)]
    private static let distances: [Range] = ranges(from: 1, groupOf: 2, count: 30)
    private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// Ranges of which each group has one more extra bit than the group before; the first two groups have none.
    private static func ranges(from start: Int, groupOf size: Int, count: Int) -> [Range] {
        var ranges: [Range] = []
        var base = start
        for index in 0..<count {
            let extra = max(index / size - 1, 0)
            ranges.append((base, extra))
            base += 1 << extra
        }
        return ranges
    }
}

/// A canonical Huffman code: how many codes there are of each length, and their symbols in order.
private struct HuffmanCode {
    private(set) var counts = [Int](repeating: 0, count: 16)
    private(set) var symbols: [Int]

    static let fixedLengths = HuffmanCode(
        trusted: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
    static let fixedDistances = HuffmanCode(trusted: Array(repeating: 5, count: 30))

    /// `nil` for lengths that no code can have.
    init?(_ lengths: [Int]) {
        self.init(trusted: lengths)
        var left = 1
        for count in counts.dropFirst() {
            left = left << 1 - count
            if left < 0 { return nil }
        }
    }

    private init(trusted lengths: [Int]) {
        for length in lengths { counts[length] += 1 }
        counts[0] = 0
        var offsets = [Int](repeating: 0, count: 16)
        for length in 1..<15 { offsets[length + 1] = offsets[length] + counts[length] }
        symbols = Array(repeating: 0, count: counts.reduce(0, +))
        for (symbol, length) in lengths.enumerated() where length > 0 {
            symbols[offsets[length]] = symbol
            offsets[length] += 1
        }
    }
}
