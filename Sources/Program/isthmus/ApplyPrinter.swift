import ArgumentParser
import Bridge
import Deliveries
import JSON
import Planning

/// Prints what becomes of each change as soon as that is known.
///
/// Where nothing more can be printed, the changes are carried out all the same, and the command fails at its end.
actor ApplyPrinter {
    private let printer: ReportPrinter
    private var count = 0
    private(set) var failures = 0
    private var heading: String?
    private var outputFailure: ExitCode?

    init(_ printer: ReportPrinter) {
        self.printer = printer
    }

    func print(_ report: ChangeReport, by delivery: String, _ attempt: Attempt) {
        let problem = Self.problem(attempt)
        switch printer.format {
        case .json:
            let change = printer.json(report, delivery: delivery, problem: problem)
            write((count == 0 ? "[" : ",\n") + String(decoding: change.bytes, as: UTF8.self))
        case .human:
            if heading != delivery { write((heading == nil ? "" : "\n") + printer.heading(delivery)) }
            heading = delivery
            write(problem.map { printer.line(of: report, problem: $0) } ?? printer.lines(of: report))
        }
        count += 1
        if problem != nil { failures += 1 }
    }

    /// - Parameters:
    ///   - unread: The registries that could not be read.
    ///   - leftAlone: What is left alone because of them.
    /// - Throws: `ExitCode` where something could not be printed.
    func end(unread: [OneShotReconcile.Unread], leftAlone: [OneShotReconcile.LeftAlone]) throws(ExitCode) {
        switch printer.format {
        case .json:
            let rest = (unread.map(\.json) + leftAlone.map(\.json)).map { String(decoding: $0.bytes, as: UTF8.self) }
            let start = count == 0 ? "[" : rest.isEmpty ? "" : ",\n"
            write(start + rest.joined(separator: ",\n") + "]\n")
        case .human:
            if !unread.isEmpty, count > 0 { write("\n") }
            write(printer.lines(of: unread, leftAlone: leftAlone))
            write(
                count == 0
                    ? printer.summary([], isPartial: !unread.isEmpty) + "\n"
                    : "\n\(count - failures) of \(count) changes were carried out.\n")
        }
        if let outputFailure { throw outputFailure }
    }

    private func write(_ text: String) {
        if outputFailure != nil { return }
        do { try StandardOutput.write(text) } catch { outputFailure = error }
    }

    private static func problem(_ attempt: Attempt) -> String? {
        switch attempt {
        case .done, .waiting: nil
        case .outdated: "another writer changed the object meanwhile; run the command again"
        case .refused(let reason), .fieldConflict(let reason, _), .failed(let reason, _): reason
        case .standby: "another replica leads"
        case .held: "its write waits for its turn"
        case .abandoned: "stopped"
        }
    }
}
