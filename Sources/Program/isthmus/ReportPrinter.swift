import ArgumentParser
import Bridge
import Deliveries
import Foundation
import IstioAPI
import JSON
import Planning
import Text

/// Puts changes into words: for people, in colour on a terminal, or for programs as JSON.
struct ReportPrinter {
    let format: ReconcileOptions.OutputFormat
    private let isColoured: Bool

    init(format: ReconcileOptions.OutputFormat) {
        self.format = format
        isColoured = format == .human && isatty(1) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// - Parameters:
    ///   - unread: The registries that could not be read.
    ///   - leftAlone: What is left alone because of them.
    func print(
        plan reports: [(delivery: String, report: ChangeReport)], leftOut: [OneShotReconcile.LeftOut],
        unread: [OneShotReconcile.Unread],
        leftAlone: [OneShotReconcile.LeftAlone]
    ) throws(ExitCode) {
        switch format {
        case .json:
            let changes =
                reports.map { json($0.report, delivery: $0.delivery) } + leftOut.map(json) + unread.map(\.json)
                + leftAlone.map(\.json)
            try StandardOutput.writeLine(String(decoding: JSONValue.array(changes).bytes, as: UTF8.self))
        case .human:
            var text = ""
            for (delivery, group) in Dictionary(grouping: reports, by: \.delivery).sorted(by: { $0.key < $1.key }) {
                text += heading(delivery)
                for (_, report) in group { text += lines(of: report) }
                text += "\n"
            }
            text += lines(of: leftOut) + lines(of: unread, leftAlone: leftAlone)
            text += summary(reports.map(\.report), leftOut: leftOut.count, isPartial: !unread.isEmpty) + "\n"
            if reports.contains(where: { $0.report.addsPlainTextEndpoints }) {
                text += """
                    New endpoints without the label \(ChangeReport.tlsLabel) are called in plain text, whether or not \
                    they have a sidecar.

                    """
            }
            try StandardOutput.write(text)
        }
    }

    /// What is left alone, and why.
    func lines(of unread: [OneShotReconcile.Unread], leftAlone: [OneShotReconcile.LeftAlone]) -> String {
        var text = ""
        for unread in unread {
            text += "Registry '\(unread.registry)' could not be read: \(unread.reason)".printable + "\n"
            let kept = leftAlone.filter { $0.registries.contains(unread.registry) }
            if kept.isEmpty { continue }
            text += "  These objects are left alone, since it may announce their services:\n"
            for object in kept { text += "  . \(object.delivery) \(object.key)".printable + "\n" }
        }
        return text.isEmpty ? "" : text + "\n"
    }

    func heading(_ delivery: String) -> String { "\(delivery.printable):\n" }

    func lines(of report: ChangeReport) -> String {
        let sign =
            switch report.action {
            case .create: "+"
            case .change: "~"
            case .delete: "-"
            case .conflict: "!"
            }
        let first = coloured("  \(sign) \("\(report.key)".printable)", by: sign) + "  \(report.note.printable)\n"
        let details = report.details.map { coloured("      \($0.printable)", by: String($0.prefix(1))) + "\n" }
        return first + details.joined()
    }

    func line(of report: ChangeReport, problem: String) -> String {
        coloured("  ! \("\(report.key)".printable)", by: "!") + "  \(problem.printable)\n"
    }

    /// What the registries have and the mesh does not get.
    private func lines(of leftOut: [OneShotReconcile.LeftOut]) -> String {
        if leftOut.isEmpty { return "" }
        let lines = leftOut.map { item in
            let registry = item.registry.map { "\($0): " } ?? ""
            return coloured("  ! \("\(registry)\(item.name)".printable)", by: "!") + "  \(item.reason.printable)\n"
        }
        return "Not carried as the registries have it:\n" + lines.joined() + "\n"
    }

    func summary(_ reports: [ChangeReport], leftOut: Int = 0, isPartial: Bool = false) -> String {
        let notCarried = leftOut > 0 ? " \(leftOut) not carried, as said above." : ""
        if reports.isEmpty {
            let reason =
                leftOut > 0
                ? "have all that can be carried"
                : isPartial ? "match the registries that could be read" : "match the registries"
            return "No changes: the deliveries \(reason).\(notCarried)"
        }
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
        return "Plan: \(counts.joined(separator: ", ")).\(notCarried)"
    }

    func json(_ report: ChangeReport, delivery: String, problem: String? = nil) -> JSONValue {
        let change: JSONValue = [
            "delivery": .string(delivery), "namespace": .string(report.key.namespace),
            "kind": .string(report.key.kind.rawValue), "name": .string(report.key.name),
            "action": .string(report.action.rawValue),
            "note": .string(report.note), "details": .array(report.details.map { .string($0) }),
        ]
        return problem.map { change.applying(mergePatch: ["problem": .string($0)]) } ?? change
    }

    /// What is not carried stands in the same list, with an action of its own.
    func json(_ item: OneShotReconcile.LeftOut) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("action", "leaveOut"), ("name", .string(item.name)), ("note", .string(item.reason)), ("details", []),
        ]
        if let registry = item.registry { members.append(("registry", .string(registry))) }
        return .object(JSONObject(members))
    }

    private func coloured(_ text: String, by sign: String) -> String {
        let codes = ["+": "32", "-": "31", "~": "33", "!": "35"]
        guard isColoured, let code = codes[sign] else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

extension OneShotReconcile.Unread {
    var json: JSONValue {
        ["action": "unread", "registry": .string(registry), "note": .string(reason)]
    }
}

extension OneShotReconcile.LeftAlone {
    var json: JSONValue {
        [
            "delivery": .string(delivery), "namespace": .string(key.namespace), "kind": .string(key.kind.rawValue),
            "name": .string(key.name), "action": "leave", "registries": .array(registries.map { .string($0) }),
            "note": "a registry that may announce its service could not be read",
        ]
    }
}

extension ChangeReport {
    /// The label by which istiod knows that an endpoint takes mutual TLS.
    fileprivate static let tlsLabel = "security.istio.io/tlsMode=istio"

    fileprivate var addsPlainTextEndpoints: Bool {
        details.contains { $0.hasPrefix("+ endpoint") && !$0.contains(Self.tlsLabel) }
    }
}
