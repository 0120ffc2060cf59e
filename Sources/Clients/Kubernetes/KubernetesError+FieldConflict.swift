extension KubernetesError {
    /// A field that a server-side apply would have taken from another manager.
    public struct FieldConflict: Sendable, Hashable {
        /// The path of the field, such as `.spec.endpoints`.
        public var field: String
        /// Who owns it: the field manager's name.
        public var manager: String
        /// The subresource by which the manager set it, such as `status`.
        public var subresource: String?
        /// When the manager set it (RFC 3339); `nil` when it did so by an apply, or the server does not say.
        public var time: String?

        public init(field: String, manager: String, subresource: String? = nil, time: String? = nil) {
            self.field = field
            self.manager = manager
            self.subresource = subresource
            self.time = time
        }
    }

    /// Who owns the fields that an apply without force wanted to change; empty for every other failure.
    public var fieldConflicts: [FieldConflict] {
        causes.compactMap { $0.reason == "FieldManagerConflict" ? FieldConflict($0) : nil }
    }
}

extension KubernetesError.FieldConflict {
    /// Reads `conflict with "<manager>" [with subresource "<name>"] [using <apiVersion>] [at <time>]`, which is the only
    /// place where the server says it. Both names are quoted as Go does.
    init?(_ cause: KubernetesError.Cause) {
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
