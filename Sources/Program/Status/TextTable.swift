enum TextTable {
    /// Columns as wide as their widest cell, and below each row its details, indented.
    static func lines(_ header: [String], _ rows: [(cells: [String], details: [String])]) -> [String] {
        let all = [header] + rows.map(\.cells)
        let widths = header.indices.map { column in all.map { $0[column].printable.count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            var line = ""
            for (cell, width) in zip(cells, widths) {
                let cell = cell.printable
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
        return [line(header)] + rows.flatMap { row in [line(row.cells)] + row.details.map { "    " + $0 } }
    }
}

extension Duration {
    /// Its two largest units: `3h12m`, `45s`.
    var brief: String {
        let seconds = max(components.seconds, 0)
        let units = [
            ("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60),
        ]
        guard let first = units.firstIndex(where: { $0.1 > 0 }) else { return "0s" }
        return units[first...].prefix(2).filter { $0.1 > 0 }.map { "\($0.1)\($0.0)" }.joined()
    }
}

extension String {
    /// Without what would steer a terminal: whoever registers a service chooses its name.
    var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
