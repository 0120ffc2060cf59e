/// The time of a `Date` header (RFC 9110, section 5.6.7), in the form that servers send.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads `Tue, 01 Dec 2026 14:10:18 GMT`.
    ///
    /// - Returns: Milliseconds since 1970; `nil` for anything else.
    static func milliseconds(_ text: String) -> Int64? {
        let parts = text.split { $0 == " " || $0 == "," || $0 == ":" }
        guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])),
            let day = Int64(parts[1]), (1...31).contains(day), let year = Int64(parts[3]),
            (1970...9999).contains(year), let hour = Int64(parts[4]), (0..<24).contains(hour),
            let minute = Int64(parts[5]), (0..<60).contains(minute), let second = Int64(parts[6]),
            (0...60).contains(second)
        else { return nil }
        let days = days(year, Int64(month) + 1, day)
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000
    }

    /// The days since 1970. A year begins in March here, so that its last day is the leap day.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
