internal import Foundation

/// The report of a measurement: a table in Markdown, and the machine that it was measured on.
public struct MeasurementReport: Sendable {
    private let title: String
    private let columns: [String]
    private var rows: [[String]] = []

    public init(_ title: String, columns: [String]) {
        self.title = title
        self.columns = columns
    }

    public mutating func add(_ cells: String...) { rows.append(cells) }
    public mutating func add(_ cells: [String]) { rows.append(cells) }

    /// - Parameters:
    ///   - command: How anyone can repeat it.
    ///   - versions: What took part besides.
    public func show(command: String, versions: [String] = []) {
        print("## \(title)\n")
        print(Self.line(columns))
        print(Self.line(columns.map { _ in "---" }))
        for row in rows { print(Self.line(row)) }
        print("\n\(([Self.machine] + versions).joined(separator: ", "))\n\n    \(command)\n")
    }

    private static func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

    private static var machine: String {
        func first(_ path: String, _ key: String) -> String? {
            (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first { $0.hasPrefix(key) }?
                .split(separator: key == "PRETTY_NAME" ? "=" : ":").last?
                .trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
        }
        let processor = first("/proc/cpuinfo", "model name") ?? "unknown processor"
        let system = first("/etc/os-release", "PRETTY_NAME") ?? "unknown system"
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        return
            "\(ProcessInfo.processInfo.activeProcessorCount) × \(processor), \(memory) GiB, \(system), \(compiler), \(build) build"
    }

    private static var compiler: String {
        #if compiler(>=6.4)
            "Swift 6.4 or later"
        #elseif compiler(>=6.3)
            "Swift 6.3"
        #else
            "Swift 6.2"
        #endif
    }

    private static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}

extension Duration {
    /// With a unit that suits it.
    public var text: String {
        let seconds = self / .seconds(1)
        return if seconds >= 1 {
            String(format: "%.2f s", seconds)
        } else if seconds >= 1e-3 {
            String(format: "%.2f ms", seconds * 1e3)
        } else if seconds >= 1e-6 {
            String(format: "%.2f µs", seconds * 1e6)
        } else {
            String(format: "%.0f ns", seconds * 1e9)
        }
    }
}

/// With thousands separators.
public func grouped(_ number: Int) -> String {
    let digits = String(number)
    return String(
        digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text += "," }
            text.append(digit.element)
        })
}

public func mebibytes(_ bytes: Int) -> String { "\(grouped(bytes >> 20)) MiB" }
