internal import NIOCore

/// The faults of the network in one direction.
struct ChaosConditions: Sendable, Hashable {
    enum Hole: Sendable {
        case holding
        case losing
    }

    var hole: Hole?
    var delay = TimeAmount.zero
    /// Of each connection.
    var bytesPerSecond: Int?
}

/// Flips bits in the next bytes that go one way: which ones depends on the seed and on nothing else.
struct ChaosCorruption: Sendable {
    private(set) var remaining: Int
    private let interval: Int
    private var generator: SeededGenerator

    /// - Parameter interval: on average one of so many bytes is changed; with 1 every byte is.
    init(byteCount: Int, oneIn interval: Int, seed: UInt64) {
        remaining = max(byteCount, 0)
        self.interval = max(interval, 1)
        generator = SeededGenerator(seed: seed)
    }

    mutating func apply(to bytes: inout ByteBuffer) {
        let count = min(remaining, bytes.readableBytes)
        guard count > 0 else { return }
        remaining -= count
        bytes.withUnsafeMutableReadableBytes { pointer in
            // Two numbers for each byte, so that it does not matter in which pieces the bytes come.
            for index in 0..<count {
                let (choice, bit) = (generator.next(), generator.next() % 8)
                if choice % UInt64(interval) == 0 { pointer[index] ^= 1 << UInt8(bit) }
            }
        }
    }
}
