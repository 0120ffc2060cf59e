internal import Text

/// A table in plain text.
enum TextTable {
    /// The lines of a table. Each column is as wide as its widest cell; the details of a row stand below it, indented.
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
