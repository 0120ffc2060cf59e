/// Counts durations in 128 buckets for each power of two: within 1 % of the truth, in constant memory.
struct Histogram {
    private static let precision = 7

    private var counts: [Int] = Array(repeating: 0, count: (65 - precision) << precision)
    private(set) var count = 0
    private(set) var maximum = Duration.zero

    mutating func record(_ duration: Duration) {
        let nanoseconds = UInt64(max(duration / .nanoseconds(1), 0))
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        maximum = max(maximum, duration)
    }

    /// The duration that this share of all durations does not exceed; zero where there are none.
    func quantile(_ share: Double) -> Duration {
        let rank = max(Int((share * Double(count)).rounded(.up)), 1)
        var passed = 0
        for (bucket, count) in counts.enumerated() where count > 0 {
            passed += count
            if passed >= rank { return min(.nanoseconds(Int64(Self.upperBound(of: bucket))), maximum) }
        }
        return .zero
    }

    private static func bucket(of value: UInt64) -> Int {
        let magnitude = max(64 - value.leadingZeroBitCount - precision - 1, 0)
        return magnitude << precision + Int(value >> UInt64(magnitude))
    }

    private static func upperBound(of bucket: Int) -> UInt64 {
        let magnitude = max(bucket >> precision - 1, 0)
        return (UInt64(bucket - magnitude << precision) + 1) << UInt64(magnitude) - 1
    }
}
