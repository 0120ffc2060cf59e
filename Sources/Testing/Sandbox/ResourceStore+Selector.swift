extension ResourceStore {
    /// Which objects a list or a watch is about: the label selectors of apimachinery's `labels` package, and the two
    /// fields by which every object can be selected.
    package struct Selector: Sendable, Hashable {
        enum Requirement: Sendable, Hashable {
            case exists(String)
            case doesNotExist(String)
            case isOneOf(String, Set<String>)
            /// An object without the label matches too.
            case isNoneOf(String, Set<String>)
        }

        enum Field: String, Sendable {
            case name = "metadata.name"
            case namespace = "metadata.namespace"
        }

        struct FieldRequirement: Sendable, Hashable {
            var field: Field
            var value: String
            var isEqual: Bool
        }

        private(set) var labels: [Requirement] = []
        private(set) var fields: [FieldRequirement] = []

        package var isEmpty: Bool { labels.isEmpty && fields.isEmpty }

        package init() {}

        /// - Throws: 400 for text that is no selector, and for fields other than `metadata.name` and
        ///   `metadata.namespace`.
        package init(labels: String?, fields: String?) throws(APIServerStatus) {
            var scanner = SelectorScanner(text: labels ?? "")
            self.labels = try scanner.requirements()
            for term in (fields ?? "").split(separator: ",") {
                self.fields.append(try Self.fieldRequirement(term))
            }
        }

        func matches(_ key: Key, _ labels: @autoclosure () -> [String: String]) -> Bool {
            guard fields.allSatisfy({ $0.matches(key) }) else { return false }
            guard !self.labels.isEmpty else { return true }
            let labels = labels()
            return self.labels.allSatisfy { $0.matches(labels) }
        }

        private static func fieldRequirement(_ term: Substring) throws(APIServerStatus) -> FieldRequirement {
            guard let sign = term.firstIndex(of: "=") else {
                throw .badRequest("invalid field selector \"\(term)\": '=', '==' or '!=' is expected")
            }
            var path = term[..<sign]
            let isEqual = path.last != "!"
            if !isEqual { path.removeLast() }
            var value = term[term.index(after: sign)...]
            if isEqual, value.first == "=" { value.removeFirst() }
            guard let field = Field(rawValue: String(path)) else {
                throw .badRequest("field label not supported: \(path)")
            }
            return FieldRequirement(field: field, value: String(value), isEqual: isEqual)
        }
    }
}

extension ResourceStore.Selector.Requirement {
    func matches(_ labels: [String: String]) -> Bool {
        switch self {
        case .exists(let key): labels[key] != nil
        case .doesNotExist(let key): labels[key] == nil
        case .isOneOf(let key, let values): labels[key].map(values.contains) ?? false
        case .isNoneOf(let key, let values): labels[key].map { !values.contains($0) } ?? true
        }
    }
}

extension ResourceStore.Selector.FieldRequirement {
    func matches(_ key: ResourceStore.Key) -> Bool {
        let actual =
            switch field {
            case .name: key.name
            case .namespace: key.namespace
            }
        return (actual == value) == isEqual
    }
}

/// Reads `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)` and `k notin (a,b)`, with commas between.
private struct SelectorScanner {
    typealias Requirement = ResourceStore.Selector.Requirement

    private let text: String
    private var rest: Substring

    init(text: String) {
        self.text = text
        rest = text[...]
    }

    mutating func requirements() throws(APIServerStatus) -> [Requirement] {
        var requirements: [Requirement] = []
        skipSpace()
        while !rest.isEmpty {
            requirements.append(try requirement())
            skipSpace()
            guard !rest.isEmpty else { break }
            guard take(",") else { throw failure("',' is expected before \"\(rest)\"") }
            skipSpace()
            guard !rest.isEmpty else { throw failure("it ends with ','") }
        }
        return requirements
    }

    private mutating func requirement() throws(APIServerStatus) -> Requirement {
        if take("!") { return .doesNotExist(try key()) }
        let key = try key()
        skipSpace()
        if take("!=") { return .isNoneOf(key, [value()]) }
        if take("==") || take("=") { return .isOneOf(key, [value()]) }
        guard let letter = rest.first, letter.isLetter else { return .exists(key) }
        switch word() {
        case "in": return .isOneOf(key, try set())
        case "notin": return .isNoneOf(key, try set())
        case let other: throw failure("unknown operator \"\(other)\"")
        }
    }

    private mutating func key() throws(APIServerStatus) -> String {
        skipSpace()
        let key = word()
        guard !key.isEmpty else { throw failure("a label's key is expected before \"\(rest)\"") }
        return key
    }

    private mutating func value() -> String {
        skipSpace()
        return word()
    }

    private mutating func set() throws(APIServerStatus) -> Set<String> {
        skipSpace()
        guard take("(") else { throw failure("'(' is expected before \"\(rest)\"") }
        var values: Set<String> = []
        while true {
            values.insert(value())
            skipSpace()
            if take(")") { return values }
            guard take(",") else { throw failure("',' or ')' is expected before \"\(rest)\"") }
        }
    }

    private mutating func word() -> String {
        let end = rest.firstIndex { !($0.isLetter || $0.isNumber || "-_./".contains($0)) } ?? rest.endIndex
        defer { rest = rest[end...] }
        return String(rest[..<end])
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0 == " " }
    }

    private mutating func take(_ token: String) -> Bool {
        guard rest.hasPrefix(token) else { return false }
        rest.removeFirst(token.count)
        return true
    }

    private func failure(_ why: String) -> APIServerStatus {
        .badRequest("unable to parse the label selector \"\(text)\": \(why)")
    }
}
