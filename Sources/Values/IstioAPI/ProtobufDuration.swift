/// The text of a duration in Kubernetes objects.
enum ProtobufDuration {
    /// Seconds with as many decimals as it takes: `1s`, `1.5s`.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0 { return "\(seconds)s" }
        let sign = seconds < 0 || attoseconds < 0 ? "-" : ""
        var decimals = String(attoseconds.magnitude / 1_000_000_000)
        decimals = String(repeating: "0", count: 9 - decimals.count) + decimals
        while decimals.last == "0" { decimals.removeLast() }
        return "\(sign)\(seconds.magnitude)\(decimals.isEmpty ? "" : ".\(decimals)")s"
    }

    /// Reads `1.5s`, and what Go writes, such as `1m30s`; `nil` for anything else and for what isn't positive.
    static func duration(_ text: String) -> Duration? {
        var (rest, total) = (text[...], Duration.zero)
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !($0.isNumber || $0 == ".") }
            rest = rest[unit.endIndex...]
            guard let nanoseconds = units[String(unit)], let duration = product(number, nanoseconds) else { return nil }
            total += duration
        }
        return total > .zero ? total : nil
    }

    private static let units: [String: Int64] = [
        "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "µs": 1_000,
        "ns": 1,
    ]

    private static func product(_ number: Substring, _ nanoseconds: Int64) -> Duration? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.contains(where: { !$0.isEmpty }) else { return nil }
        let decimals = parts.count == 2 ? parts[1].prefix(9) : ""
        guard let whole = parts[0].isEmpty ? 0 : Int64(parts[0]), let part = decimals.isEmpty ? 0 : Int64(decimals)
        else { return nil }
        let (units, overflow) = whole.multipliedReportingOverflow(by: nanoseconds)
        if overflow { return nil }
        let scale = (0..<decimals.count).reduce(Int64(1)) { scale, _ in scale * 10 }
        return .nanoseconds(units) + .nanoseconds(nanoseconds) * Int(part) / Int(scale)
    }
}
