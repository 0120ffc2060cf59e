extension KubernetesError {
    /// A field that another manager owns and that a server-side apply was to change.
    public struct FieldConflict: Sendable, Hashable {
        /// The path of the field, such as `.spec.endpoints`.
        public var field: String
        /// The field manager that owns the field.
        public var manager: String
        /// The subresource by which the manager set the field, such as `status`; `nil` for the object itself.
        public var subresource: String?
        /// When the manager set the field (RFC 3339); `nil` for a field set by an apply, and where the server does not
        /// say.
        public var time: String?

        public init(field: String, manager: String, subresource: String? = nil, time: String? = nil) {
            self.field = field
            self.manager = manager
            self.subresource = subresource
            self.time = time
        }
    }

    /// The fields that made an apply without force fail, with their managers; empty for every other failure.
    public var fieldConflicts: [FieldConflict] {
        statusCauses.compactMap { $0.reason == "FieldManagerConflict" ? FieldConflict($0) : nil }
    }
}

extension KubernetesError.FieldConflict {
    /// Reads the message `conflict with "<manager>" [with subresource "<name>"] [using <apiVersion>] [at <time>]`. The
    /// server names the manager nowhere else. Both names are quoted by the rules of Go.
    init?(_ cause: KubernetesError.StatusCause) {
        var rest = Substring(cause.message)
        guard Self.drop("conflict with ", from: &rest), let manager = Self.quoted(&rest) else { return nil }
        self.init(field: cause.field, manager: manager)
        if Self.drop(" with subresource ", from: &rest) { subresource = Self.quoted(&rest) }
        if let at = rest.firstRange(of: " at ") { time = String(rest[at.upperBound...]) }
    }

    private static func drop(_ prefix: String, from text: inout Substring) -> Bool {
        guard text.hasPrefix(prefix) else { return false }
        text = text.dropFirst(prefix.count)
        return true
    }

    private static func quoted(_ text: inout Substring) -> String? {
        guard text.first == "\"" else { return nil }
        var result = ""
        var isEscaped = false
        for index in text.indices.dropFirst() {
            let character = text[index]
            if isEscaped || (character != "\\" && character != "\"") {
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                text = text[text.index(after: index)...]
                return result
            }
        }
        return nil
    }
}
