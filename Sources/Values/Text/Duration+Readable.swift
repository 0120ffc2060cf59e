extension Duration {
    private static let units: [(name: String, length: Duration, limit: Double)] = [
        ("µs", .microseconds(1), 1_000), ("ms", .milliseconds(1), 1_000), ("s", .seconds(1), 60),
        ("min", .seconds(60), 60), ("h", .seconds(3_600), 48), ("d", .seconds(86_400), .infinity),
    ]

    /// The duration for people, in the one unit that suits it: `250 ms`, `13.4 s`, `5 min`. A negative one is `0 s`.
    ///
    /// Foundation's styles need its data of all languages, and logs are in one.
    package var readable: String {
        if self <= .zero { return "0 s" }
        for unit in Self.units {
            let value = self / unit.length
            let tenths = value < 99.95 ? (value * 10).rounded() : value.rounded() * 10
            // Rounded first: 59.97 s are 1 min, not 60 s.
            if tenths < unit.limit * 10 { return "\(Self.decimal(tenths: Int64(tenths))) \(unit.name)" }
        }
        return "\(self)"
    }

    private static func decimal(tenths: Int64) -> String {
        tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
