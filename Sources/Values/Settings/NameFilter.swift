/// The names that are followed: those that a pattern includes and none excludes. `*` in a pattern stands for any text.
package struct NameFilter: Sendable, Hashable {
    /// Empty for all names.
    package var included: [String]
    package var excluded: [String]

    package init(included: [String] = [], excluded: [String] = []) {
        self.included = included
        self.excluded = excluded
    }

    package func includes(_ name: String) -> Bool {
        (included.isEmpty || included.contains { Self.matches(name, $0) })
            && !excluded.contains { Self.matches(name, $0) }
    }

    /// The names that are included by name, rather than by a pattern.
    package var names: [String] { included.filter { !$0.contains("*") } }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        var rest = name.utf8[...]
        let parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        guard parts.count > 1 else { return name == pattern }
        guard rest.starts(with: parts[0]) else { return false }
        rest = rest.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let end = rest.end(of: part) else { return false }
            rest = rest[end...]
        }
        let last = parts[parts.count - 1]
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}

extension NameFilter {
    package static let keys = [
        ConfigurationKey(
            "include", .texts, "only these; `*` stands for any text", standard: "all"),
        ConfigurationKey("exclude", .texts, "none of these", standard: "none"),
    ]

    package init(_ section: ConfigurationSection) throws(ConfigurationError) {
        included = try section.strings("include") ?? []
        excluded = try section.strings("exclude") ?? []
        if included.contains("") { throw section.failure("include", "a pattern is empty") }
        if excluded.contains("") { throw section.failure("exclude", "a pattern is empty") }
    }
}

extension Substring.UTF8View {
    /// The end of the first such text.
    fileprivate func end(of text: Substring.UTF8View) -> Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].starts(with: text) { return index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
