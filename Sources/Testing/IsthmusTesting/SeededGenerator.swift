internal import Foundation

/// The same numbers for the same seed (SplitMix64). A failure prints the seed, which repeats it as a test's only
/// argument.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// Other ones in every run, but for CI: there a change is not to be refused for what another one brought.
    public static func seeds(_ count: Int) -> [UInt64] {
        var fixed = SeededGenerator(seed: 0)
        let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
        return (0..<count).map { _ in isCI ? fixed.next() : .random(in: 0...UInt64.max) }
    }
}
