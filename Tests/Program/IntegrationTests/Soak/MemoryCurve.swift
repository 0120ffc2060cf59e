internal import Foundation
internal import IsthmusTesting

/// How much memory some processes had resident, and when they were started.
struct MemoryCurve: Sendable {
    private enum Point: Sendable {
        case mebibytes(Double)
        case start
    }

    private static let bars = Array("▁▂▃▄▅▆▇█")

    private var points: [String: [Point]] = [:]

    mutating func started(_ name: String) { points[name, default: []].append(.start) }

    /// Looks at a process; nothing is noted of one that is gone.
    mutating func sample(_ name: String, pid: Int32) {
        guard let usage = try? ProcessUsage(pid: pid), usage.resident > 0 else { return }
        points[name, default: []].append(.mebibytes(Double(usage.resident) / 1_048_576))
    }

    private func samples(of name: String) -> [Double] {
        (points[name] ?? []).compactMap { if case .mebibytes(let value) = $0 { value } else { nil } }
    }

    /// From the middle of the time to its end, in MiB; the medians of a fifth of the samples each, since one says
    /// little.
    func growth(of name: String) -> Double? {
        let samples = samples(of: name)
        guard samples.count >= 5 else { return nil }
        let fifth = samples.count / 5
        return Self.median(samples.suffix(fifth)) - Self.median(samples[(2 * fifth)..<(3 * fifth)])
    }

    private static func median(_ values: some Collection<Double>) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }

    /// A line for each process; `|` is a start.
    var text: String {
        points.keys.sorted().map { name in
            let samples = samples(of: name)
            let peak = samples.max() ?? 0
            let curve = (points[name] ?? []).map { point -> String in
                switch point {
                case .start: "|"
                case .mebibytes(let value): String(Self.bars[min(Int(value / max(peak, 1) * 8), 7)])
                }
            }.joined()
            func rounded(_ value: Double?) -> String { value.map { String(format: "%.1f", $0) } ?? "–" }
            return
                "memory of \(name): \(rounded(samples.first)) MiB at the start, \(rounded(samples.last)) at the end, "
                + "\(rounded(peak)) at most, growth since the middle \(rounded(growth(of: name)))  \(curve)"
        }.joined(separator: "\n")
    }
}
