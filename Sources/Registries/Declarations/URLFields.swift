internal import JSON
internal import Text

/// The parts of a URL as fields: `scheme`, `host`, `port`, `path` and `query`, in which each parameter is a field.
///
/// A user and a password are left out, so that no secret gets further.
enum URLFields {
    static func value(of text: String) throws(DecodingFailure) -> JSONValue {
        guard let separator = text.range(of: "://"), separator.lowerBound > text.startIndex else {
            throw DecodingFailure(reason: "it is not a URL: '://' is missing")
        }
        var fields = JSONObject()
        fields["scheme"] = .string(text[..<separator.lowerBound].lowercased())
        var rest = text[separator.upperBound...]
        if let question = rest.firstIndex(of: "?") {
            fields["query"] = query(of: rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        if let slash = rest.firstIndex(of: "/") {
            fields["path"] = .string(String(rest[rest.index(after: slash)...]))
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        let place = HostAndPort(rest)
        fields["host"] = .string(place.host)
        if let port = place.port { fields["port"] = .string(port) }
        return .object(fields)
    }

    /// A parameter that is no valid percent-encoding is left out.
    static func query(of text: Substring) -> JSONValue {
        var fields = JSONObject()
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = String(parts[0]).percentDecoded(plusIsSpace: true),
                let value = parts.count > 1 ? String(parts[1]).percentDecoded(plusIsSpace: true) : ""
            else { continue }
            fields[name] = .string(value)
        }
        return .object(fields)
    }
}

/// A host and what stands behind its colon. Some libraries write IPv6 without brackets.
struct HostAndPort {
    var host: String
    /// `nil` without a colon.
    var port: String?

    init(_ text: Substring) {
        guard let colon = text.lastIndex(of: ":"), text.last != "]" else {
            host = Self.withoutBrackets(text)
            return
        }
        host = Self.withoutBrackets(text[..<colon])
        port = String(text[text.index(after: colon)...])
    }

    private static func withoutBrackets(_ text: Substring) -> String {
        text.first == "[" && text.last == "]" ? String(text.dropFirst().dropLast()) : String(text)
    }
}

extension String {
    /// The first place of a text in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
