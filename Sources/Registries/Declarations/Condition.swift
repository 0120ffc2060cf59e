/// A condition on an entry: `network = tcp`, `status ?= UP` (where it is there, it is `UP`), `mail != true`, or `host`
/// (it is there).
package struct Condition: Hashable, Sendable {
    private enum Relation: String, CaseIterable {
        // Longer ones first: `=` is part of the others.
        case absentOrEqual = "?="
        case different = "!="
        case equal = "="
    }

    private let text: String
    private let expression: FieldExpression
    /// `nil` where the field must be there.
    private let relation: Relation?
    private let value: String

    package init(_ text: String) throws(DeclarationError) {
        self.text = text
        let found = Self.relation(in: text)
        relation = found?.0
        expression = try FieldExpression(text[..<(found?.1.lowerBound ?? text.endIndex)].trimmedText)
        value = found.map { text[$0.1.upperBound...].trimmedText } ?? ""
    }

    private static func relation(in text: String) -> (Relation, Range<String.Index>)? {
        for index in text.indices {
            for relation in Relation.allCases where text[index...].hasPrefix(relation.rawValue) {
                return (relation, index..<text.index(index, offsetBy: relation.rawValue.count))
            }
        }
        return nil
    }

    func holds(in scope: Scope) -> Bool {
        let texts = expression.values(in: scope).compactMap(\.scalarText)
        return switch relation {
        case .equal: texts.contains(value)
        case .absentOrEqual: texts.isEmpty || texts.contains(value)
        case .different: !texts.contains(value)
        case nil: texts.contains { !$0.isEmpty }
        }
    }
}

extension Condition: CustomStringConvertible {
    package var description: String { text }
}

extension Condition: ExpressibleByStringLiteral {
    /// For the presets, whose texts tests read.
    package init(stringLiteral text: String) {
        do {
            try self.init(text)
        } catch {
            preconditionFailure("the condition '\(text)' of a preset can't be read: \(error.message)")
        }
    }
}

extension Substring {
    var trimmedText: String { String(self).trimmed }
}
