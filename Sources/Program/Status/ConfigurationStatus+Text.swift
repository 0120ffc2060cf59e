internal import Text

extension ConfigurationStatus {
    static let heading = ["CONFIGURATION", "HEALTH", "LAST GOOD", "DOCUMENTS", "OBJECTS"]

    var cells: [String] {
        let good = health == .healthy ? "now" : lastGood.map { "\($0.readable) ago" } ?? "never"
        return [name, health.rawValue, good, "\(documents)", "\(objects)"]
    }

    func details(_ release: (String) -> String) -> [String] {
        var lines: [String] = []
        if let reason { lines.append("\(health.rawValue): \(reason)") }
        if !held.isEmpty {
            lines += [
                "held\(heldFor.map { " for \($0.readable)" } ?? ""): \(held.count) objects that are no longer published"
                    + held.inParentheses,
                "    so many at once look like a failure; to let them go now: \(release(name))",
            ]
        }
        if !problems.isEmpty {
            lines.append("not in the mesh as published:")
            lines += problems.lines { "\($0.document): \($0.reason)" }.map { "    " + $0 }
        }
        return lines
    }
}
