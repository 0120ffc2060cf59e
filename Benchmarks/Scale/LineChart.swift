internal import Foundation
internal import IsthmusTesting

/// A line over a logarithmic axis, as SVG.
struct LineChart {
    struct Point {
        var x: Double
        var y: Double
    }

    var title: String
    var xTitle: String
    var yTitle: String
    var points: [Point]

    private static let (width, height) = (640.0, 360.0)
    private static let (left, right, top, bottom) = (64.0, 24.0, 48.0, 56.0)

    var svg: String {
        let limit = Self.niceLimit(points.map(\.y).max() ?? 1)
        let logs = points.map { log10($0.x) }
        let (low, high) = (logs.min() ?? 0, logs.max() ?? 1)
        func x(_ value: Double) -> Double {
            let share = high > low ? (log10(value) - low) / (high - low) : 0.5
            return Self.left + share * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - value / limit * (Self.height - Self.top - Self.bottom)
        }
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" font-family="sans-serif" font-size="12">"#,
            #"<rect width="640" height="360" fill="white"/>"#,
            #"<text x="320" y="24" text-anchor="middle" font-size="15">\#(escaped(title))</text>"#,
            #"<text x="320" y="350" text-anchor="middle">\#(escaped(xTitle))</text>"#,
            #"<text x="16" y="176" text-anchor="middle" transform="rotate(-90 16 176)">\#(escaped(yTitle))</text>"#,
        ]
        for step in 0...4 {
            let value = limit * Double(step) / 4
            let position = number(y(value))
            lines.append(##"<path d="M64 \##(position)H616" stroke="#ddd"/>"##)
            lines.append(#"<text x="58" y="\#(position)" dy="4" text-anchor="end">\#(label(value))</text>"#)
        }
        for point in points {
            lines.append(
                #"<text x="\#(number(x(point.x)))" y="322" text-anchor="middle">\#(grouped(Int(point.x)))</text>"#)
        }
        let path = points.map { "\(number(x($0.x))),\(number(y($0.y)))" }.joined(separator: " ")
        lines.append(##"<polyline points="\##(path)" fill="none" stroke="#466bb0" stroke-width="2"/>"##)
        for point in points {
            let (x, y) = (number(x(point.x)), number(y(point.y)))
            lines.append(##"<circle cx="\##(x)" cy="\##(y)" r="4" fill="#466bb0"/>"##)
            lines.append(#"<text x="\#(x)" y="\#(y)" dy="-10" text-anchor="middle">\#(label(point.y))</text>"#)
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    /// 1, 2 or 5 times a power of ten.
    private static func niceLimit(_ value: Double) -> Double {
        let power = pow(10, floor(log10(max(value, 1e-9))))
        return ([1, 2, 5].map { $0 * power }.first { $0 >= value }) ?? 10 * power
    }

    private func number(_ value: Double) -> String { String(format: "%.1f", value) }
    private func label(_ value: Double) -> String { String(format: "%.4g", value) }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
