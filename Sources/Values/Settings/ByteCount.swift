/// A number of bytes as people write it: `64MiB`, `512KiB`, `1GiB`, or a plain number.
package enum ByteCount {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1),
    ]

    /// Reads a size. `nil` for any other text, and for a size beyond `Int`.
    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let unit = units.first(where: { $0.name == text.dropFirst(digits.count) }), let number = Int(digits)
        else {
            return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The size in the largest unit without a fraction.
    static func text(_ bytes: Int) -> String {
        let unit = units.first { bytes % $0.bytes == 0 && bytes >= $0.bytes }
        return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)"
    }

    /// The size that a text of another notation probably means, such as `64MB`, `64M` and `64Mi`.
    static func suggestion(for text: String) -> String? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let rest = text.dropFirst(digits.count).lowercased().drop { $0 == " " }
        guard !digits.isEmpty, let letter = rest.first, ["", "b", "i", "ib"].contains(rest.dropFirst()) else {
            return nil
        }
        let unit = units.first { $0.name.lowercased().first == letter }
        return unit.map { "\(digits)\($0.name)" }
    }
}
