internal import JSON

/// The form of the keys of a layout: `/{service}/{id}`.
///
/// `{name}` stands for one part between two slashes, `{name...}` for one or more parts. `{name|percent|url}` decodes
/// what was captured. Of several ways to read a key, earlier captures are as long as they can be.
package struct KeyTemplate: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case literal(String)
        case capture(name: String, isLong: Bool, decodings: [Decoding])
    }

    /// A key that takes more steps is taken for one of another form. The steps may grow with a power of its length.
    private static let stepLimit = 50_000

    private let text: String
    private let parts: [Part]

    package init(_ text: String) throws(DeclarationError) {
        self.text = text
        var parts: [Part] = []
        var rest = text[...]
        while !rest.isEmpty {
            let literal = rest.prefix { $0 != "{" }
            if literal.contains("}") { throw DeclarationError(message: "a '}' of '\(text)' has no '{'") }
            if !literal.isEmpty { parts.append(.literal(String(literal))) }
            rest = rest.dropFirst(literal.count)
            guard rest.first == "{" else { break }
            guard let end = rest.firstIndex(of: "}") else {
                throw DeclarationError(message: "a '{' of '\(text)' has no '}'")
            }
            if case .capture? = parts.last {
                throw DeclarationError(message: "two captures of '\(text)' have nothing between them")
            }
            parts.append(try Self.capture(rest[..<end].dropFirst()))
            rest = rest[end...].dropFirst()
        }
        if parts.isEmpty { throw DeclarationError(message: "a template such as '/{service}/{id}' is needed") }
        let names = parts.compactMap { part in if case .capture(let name, _, _) = part { name } else { nil } }
        for name in names where names.count(where: { $0 == name }) > 1 {
            throw DeclarationError(message: "'\(text)' has the capture '{\(name)}' twice")
        }
        self.parts = parts
    }

    private static func capture(_ text: Substring) throws(DeclarationError) -> Part {
        var words = text.split(separator: "|", omittingEmptySubsequences: false).map(\.trimmedText)
        var name = words.removeFirst()
        let isLong = name.hasSuffix("...")
        if isLong { name.removeLast(3) }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw DeclarationError(message: "'{\(text)}' has no name of letters, such as '{service}'")
        }
        var decodings: [Decoding] = []
        for word in words { decodings.append(try Decoding(named: word, after: decodings.last)) }
        return .capture(name: name, isLong: isLong, decodings: decodings)
    }

    /// What all its keys begin with.
    package var beginning: String {
        if case .literal(let text)? = parts.first { text } else { "" }
    }

    /// The names of the captures, in order.
    package var captures: [String] {
        parts.compactMap { part in if case .capture(let name, _, _) = part { name } else { nil } }
    }

    /// Whether a capture is a URL.
    var hasURL: Bool {
        parts.contains { part in if case .capture(_, _, let decodings) = part { decodings.last == .url } else { false }
        }
    }

    /// The parts of a key; `nil` for a key of another form. Keys are compared by bytes.
    func match(_ key: ArraySlice<UInt8>) -> [String: ArraySlice<UInt8>]? {
        var captures: [String: ArraySlice<UInt8>] = [:]
        var steps = Self.stepLimit
        return match(parts[...], key, &captures, &steps) ? captures : nil
    }

    private func match(
        _ parts: ArraySlice<Part>, _ key: ArraySlice<UInt8>, _ captures: inout [String: ArraySlice<UInt8>],
        _ steps: inout Int
    ) -> Bool {
        steps -= 1
        if steps < 0 { return false }
        guard let part = parts.first else { return key.isEmpty }
        let rest = parts.dropFirst()
        switch part {
        case .literal(let text):
            return key.starts(with: text.utf8) && match(rest, key.dropFirst(text.utf8.count), &captures, &steps)
        case .capture(let name, let isLong, _):
            let longest = isLong ? key : key.prefix { $0 != UInt8(ascii: "/") }
            let shortest = rest.isEmpty ? longest.endIndex : key.startIndex + 1
            var end = longest.endIndex
            if rest.isEmpty, end != key.endIndex { return false }
            while end >= shortest, end > key.startIndex {
                if match(rest, key[end...], &captures, &steps) {
                    captures[name] = key[..<end]
                    return true
                }
                end -= 1
            }
            return false
        }
    }

    /// What the captures stand for.
    func decode(_ captures: [String: ArraySlice<UInt8>]) throws(DecodingFailure) -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for case .capture(let name, _, let decodings) in parts {
            guard let captured = captures[name] else { continue }
            values[name] = try Decoding.decode(Array(captured), decodings)
        }
        return values
    }
}

extension Decoding {
    /// - Parameter last: The step before it.
    package init(named name: String, after last: Decoding?) throws(DeclarationError) {
        guard let decoding = Decoding(rawValue: name) else {
            let known = Decoding.allCases.map(\.rawValue).joined(separator: ", ")
            throw DeclarationError(message: "'\(name)' is no decoding; known are \(known)")
        }
        if let last, last.isLast {
            throw DeclarationError(message: "'\(last.rawValue)' must be the last decoding, and '\(name)' follows it")
        }
        self = decoding
    }
}

extension KeyTemplate: CustomStringConvertible {
    package var description: String { text }
}

extension KeyTemplate: ExpressibleByStringLiteral {
    /// For the presets, whose texts tests read.
    package init(stringLiteral text: String) {
        do {
            try self.init(text)
        } catch {
            preconditionFailure("the template '\(text)' of a preset can't be read: \(error.message)")
        }
    }
}
