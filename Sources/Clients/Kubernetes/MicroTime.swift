internal import FoundationEssentials

/// Writes a wall-clock time as a `MicroTime` of meta/v1: RFC 3339 in UTC with exactly six digits after the second.
///
/// - Parameter sinceEpoch: the time since 1970.
func microTime(_ sinceEpoch: Duration) -> String {
    let (seconds, attoseconds) = sinceEpoch.components
    let second = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    let digits = String(1_000_000 + attoseconds / 1_000_000_000_000).dropFirst()
    return "\(second.dropLast()).\(digits)Z"
}
