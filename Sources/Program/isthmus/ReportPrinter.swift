import Deliveries
import Foundation
import IstioAPI
import JSON
import Planning

/// Prints changes: for people, in colour on a terminal, or for programs as JSON.
struct ReportPrinter {
    private let format: SurveyOptions.OutputFormat
    private let isColoured: Bool

    init(format: SurveyOptions.OutputFormat) {
        self.format = format
        isColoured = format == .human && isatty(1) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    func print(plan reports: [(delivery: String, report: ChangeReport)]) {
        switch format {
        case .json:
            let changes = reports.map { json($0.report, delivery: $0.delivery) }
            Swift.print(String(decoding: JSONValue.array(changes).bytes, as: UTF8.self))
        case .human:
            for (delivery, group) in Dictionary(grouping: reports, by: \.delivery).sorted(by: { $0.key < $1.key }) {
                Swift.print("\(delivery):")
                for (_, report) in group { print(report) }
                Swift.print("")
            }
            Swift.print(summary(reports.map(\.report)))
            if reports.contains(where: { $0.report.addsPlainTextEndpoints }) {
                Swift.print(
                    "New endpoints without the label \(ChangeReport.tlsLabel) are called in plain text, whether or not "
                        + "they have a sidecar.")
            }
        }
    }

    private func print(_ report: ChangeReport) {
        let sign =
            switch report.action {
            case .create: "+"
            case .change: "~"
            case .delete: "-"
            case .conflict: "!"
            }
        Swift.print(coloured("  \(sign) \(report.key)", by: sign) + "  \(report.note)")
        for detail in report.details { Swift.print(coloured("      \(detail)", by: String(detail.prefix(1)))) }
    }

    private func summary(_ reports: [ChangeReport]) -> String {
        if reports.isEmpty { return "No changes: the deliveries match the registries." }
        let counts = ChangeReport.Action.allCases.compactMap { action -> String? in
            let count = reports.count { $0.action == action }
            if count == 0 { return nil }
            switch action {
            case .create: return "\(count) to create"
            case .change: return "\(count) to change"
            case .delete: return "\(count) to delete"
            case .conflict: return "\(count) in conflict"
            }
        }
        return "Plan: \(counts.joined(separator: ", "))."
    }

    /// - Returns: Whether the change was carried out.
    func print(applied report: ChangeReport, by delivery: String, _ attempt: Attempt) -> Bool {
        var problem: String?
        switch attempt {
        case .done, .waiting: break
        case .outdated: problem = "another writer changed the object meanwhile; run the command again"
        case .refused(let reason), .fieldConflict(let reason, _), .failed(let reason, _): problem = reason
        case .standby: problem = "another replica leads"
        case .held: problem = "its write waits for its turn"
        case .abandoned: problem = "stopped"
        }
        switch format {
        case .json:
            var line = json(report, delivery: delivery)
            line = line.applying(mergePatch: ["problem": problem.map { .string($0) } ?? .null])
            Swift.print(String(decoding: line.bytes, as: UTF8.self))
        case .human:
            if problem == nil {
                print(report)
            } else {
                Swift.print(coloured("  ! \(report.key)", by: "!") + "  \(problem ?? "")")
            }
        }
        return problem == nil
    }

    func printEnd(of changes: Int, failures: Int) {
        guard format == .human else { return }
        if changes == 0 {
            Swift.print(summary([]))
        } else {
            Swift.print("\n\(changes - failures) of \(changes) changes were carried out.")
        }
    }

    private func json(_ report: ChangeReport, delivery: String) -> JSONValue {
        [
            "delivery": .string(delivery), "namespace": .string(report.key.namespace),
            "kind": .string(report.key.kind.rawValue), "name": .string(report.key.name),
            "action": .string(report.action.rawValue),
            "note": .string(report.note), "details": .array(report.details.map { .string($0) }),
        ]
    }

    private func coloured(_ text: String, by sign: String) -> String {
        let codes = ["+": "32", "-": "31", "~": "33", "!": "35"]
        guard isColoured, let code = codes[sign] else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

extension ChangeReport {
    /// The label by which istiod knows that an endpoint takes mutual TLS.
    fileprivate static let tlsLabel = "security.istio.io/tlsMode=istio"

    fileprivate var addsPlainTextEndpoints: Bool {
        details.contains { $0.hasPrefix("+ endpoint") && !$0.contains(Self.tlsLabel) }
    }
}
