internal import Text

/// The target of an HTTP request in origin form (RFC 9112, 3.2.1), percent-decoded.
package struct HTTPTarget: Sendable, Hashable {
    /// The path as it was sent, without the query.
    package let path: String
    package let segments: [String]
    /// Of parameters with the same name the first one counts.
    package let query: [String: String]

    package init(_ text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        segments = parts[0].split(separator: "/").map { Self.decode($0, plusIsSpace: false) }
        var query: [String: String] = [:]
        for field in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decode(pair[0], plusIsSpace: true)
            if query[name] == nil { query[name] = pair.count > 1 ? Self.decode(pair[1], plusIsSpace: true) : "" }
        }
        self.query = query
    }

    /// `true` for a parameter such as `watch=true`, `watch=1` and a bare `watch`.
    func flag(_ name: String) -> Bool {
        switch query[name] {
        case "true", "1", "": true
        default: false
        }
    }

    /// A text with a broken escape stays as it is.
    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        String(text).percentDecoded(plusIsSpace: plusIsSpace) ?? String(text)
    }
}
