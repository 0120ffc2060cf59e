internal import JSON

/// Why a text of a declaration can't be meant.
package struct DeclarationError: Error, Hashable, Sendable {
    package var message: String
}

/// Where a declaration finds something: paths to fields, of which the first that leads to a value counts.
///
///     port
///     key.address
///     serviceEndpoint.port or port
///     Service.Tags[v-] | hex | zlib
///
/// A path names members. `[]` stands for each element of a list (or each member of an object), `[v-]` for each text of
/// a list that begins with `v-`, without that beginning. A name with other characters stands in quotes. A `|` leads on:
/// to a decoding of the text, or to a path from there. A path begins at the endpoint, then at the value. `key.` leads
/// to a capture of the key, `value` to the value.
package struct FieldExpression: Hashable, Sendable {
    private let text: String
    private let alternatives: [[Stage]]

    package init(_ text: String) throws(DeclarationError) {
        self.text = text
        var alternatives: [[Stage]] = []
        for alternative in Self.split(text, by: " or ") {
            var stages: [Stage] = []
            for part in Self.split(alternative, by: "|") {
                let part = part.trimmed
                if case .decodings(let steps)? = stages.last, Decoding(rawValue: part) != nil {
                    // What is between two steps may be bytes that are no text.
                    stages[stages.count - 1] = .decodings(steps + [try Decoding(named: part, after: steps.last)])
                } else if !stages.isEmpty, let decoding = Decoding(rawValue: part) {
                    stages.append(.decodings([decoding]))
                } else {
                    stages.append(.path(try Path(part)))
                }
            }
            alternatives.append(stages)
        }
        self.alternatives = alternatives
    }

    /// The values to which it leads, without `null`. A text that can't be decoded leads to nothing.
    func values(in scope: Scope) -> [JSONValue] {
        for stages in alternatives {
            let values = Self.values(stages, in: scope).filter { $0 != .null }
            if !values.isEmpty { return values }
        }
        return []
    }

    /// The first text, number or truth value to which it leads, as text.
    func text(in scope: Scope) -> String? {
        for value in values(in: scope) { if let text = value.scalarText { return text } }
        return nil
    }

    private static func values(_ stages: [Stage], in scope: Scope) -> [JSONValue] {
        guard case .path(let path)? = stages.first else { return [] }
        var values = path.values(in: scope)
        for stage in stages.dropFirst() {
            switch stage {
            case .decodings(let steps):
                values = values.compactMap { value in
                    value.scalarText.flatMap { try? Decoding.decode(Array($0.utf8), steps) }
                }
            case .path(let path): values = values.flatMap { path.values(from: $0) }
            }
        }
        return values
    }

    /// Splits outside of quotes and brackets.
    private static func split(_ text: String, by separator: String) -> [String] {
        var parts = [""]
        var isQuoted = false
        var isBracketed = false
        var rest = text[...]
        while let character = rest.first {
            if !isQuoted, !isBracketed, rest.hasPrefix(separator) {
                parts.append("")
                rest = rest.dropFirst(separator.count)
                continue
            }
            if character == "\"" { isQuoted.toggle() }
            if !isQuoted, character == "[" { isBracketed = true }
            if !isQuoted, character == "]" { isBracketed = false }
            parts[parts.count - 1].append(character)
            rest = rest.dropFirst()
        }
        return parts
    }
}

extension FieldExpression: CustomStringConvertible {
    package var description: String { text }
}

extension FieldExpression: ExpressibleByStringLiteral {
    /// For the presets, whose texts tests read.
    package init(stringLiteral text: String) {
        do {
            try self.init(text)
        } catch {
            preconditionFailure("the expression '\(text)' of a preset can't be read: \(error.message)")
        }
    }
}

/// What an expression may look at.
struct Scope {
    var captures: [String: JSONValue]
    var value: JSONValue
    /// The element of a list in which each element is an instance.
    var endpoint: JSONValue?
}

extension FieldExpression {
    fileprivate enum Stage: Hashable, Sendable {
        case path(Path)
        case decodings([Decoding])
    }

    fileprivate struct Path: Hashable, Sendable {
        enum Step: Hashable, Sendable {
            case member(String)
            case each
            case beginning(with: String)
        }

        var steps: [Step] = []

        init(_ text: String) throws(DeclarationError) {
            var rest = text[...]
            while let character = rest.first {
                switch character {
                case ".": rest = rest.dropFirst()
                case "[":
                    guard let end = rest.firstIndex(of: "]") else {
                        throw DeclarationError(message: "a '[' of '\(text)' has no ']'")
                    }
                    let inside = rest[..<end].dropFirst()
                    steps.append(inside.isEmpty ? .each : .beginning(with: String(inside)))
                    rest = rest[end...].dropFirst()
                case "\"":
                    guard let end = rest.dropFirst().firstIndex(of: "\"") else {
                        throw DeclarationError(message: "a quote of '\(text)' has no end")
                    }
                    steps.append(.member(String(rest[..<end].dropFirst())))
                    rest = rest[end...].dropFirst()
                default:
                    let name = rest.prefix { $0 != "." && $0 != "[" }
                    guard name.allSatisfy({ !$0.isWhitespace && $0 != "\"" && $0 != "]" }) else {
                        throw DeclarationError(
                            message: "'\(name)' is no name of a field; other characters than letters need quotes")
                    }
                    steps.append(.member(String(name)))
                    rest = rest.dropFirst(name.count)
                }
            }
            if steps.isEmpty { throw DeclarationError(message: "a path to a field is missing") }
        }

        func values(in scope: Scope) -> [JSONValue] {
            let rest = steps.dropFirst()
            switch steps.first {
            case .member("key"):
                guard case .member(let capture)? = rest.first, let value = scope.captures[capture] else { return [] }
                return Self.follow(rest.dropFirst(), from: value)
            case .member("value"): return Self.follow(rest, from: scope.value)
            default:
                let nearer = scope.endpoint.map { Self.follow(steps[...], from: $0) } ?? []
                return nearer.contains { $0 != .null } ? nearer : Self.follow(steps[...], from: scope.value)
            }
        }

        func values(from value: JSONValue) -> [JSONValue] { Self.follow(steps[...], from: value) }

        private static func follow(_ steps: ArraySlice<Step>, from value: JSONValue) -> [JSONValue] {
            guard let step = steps.first else { return [value] }
            let rest = steps.dropFirst()
            switch (step, value) {
            case (.member(let name), .object(let object)): return object[name].map { follow(rest, from: $0) } ?? []
            case (.each, .array(let elements)): return elements.flatMap { follow(rest, from: $0) }
            case (.each, .object(let object)): return object.members.flatMap { follow(rest, from: $0.value) }
            case (.beginning(let prefix), .array(let elements)):
                return elements.flatMap { element -> [JSONValue] in
                    guard let text = element.string, text.hasPrefix(prefix) else { return [] }
                    return follow(rest, from: .string(String(text.dropFirst(prefix.count))))
                }
            default: return []
            }
        }
    }
}

extension JSONValue {
    /// A text, a number or a truth value as text.
    var scalarText: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let value): "\(value)"
        case .null, .array, .object: nil
        }
    }
}

extension String {
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
