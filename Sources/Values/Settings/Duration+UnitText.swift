extension Duration {
    /// Reads Go's notation without fractions and signs, such as `250ms`, `1h30m` and `0`. `nil` for anything else.
    package init?(unitText text: String) {
        if text == "0" {
            self = .zero
            return
        }
        var total = Duration.zero
        var rest = text[...]
        if rest.isEmpty { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { !("0"..."9").contains($0) }
            guard let value = Int64(digits), value <= 1_000_000_000 else { return nil }
            switch unit {
            case "ms": total += .milliseconds(value)
            case "s": total += .seconds(value)
            case "m": total += .seconds(value * 60)
            case "h": total += .seconds(value * 3600)
            default: return nil
            }
            rest = rest.dropFirst(digits.count + unit.count)
        }
        self = total
    }
}
