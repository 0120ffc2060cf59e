internal import Yams

/// A mapping of a YAML document. It is checked against a schema and then read key by key.
///
/// Errors name the file, line, column and key. The error of an unknown key suggests the nearest known one.
package struct ConfigurationSection {
    private let file: String
    /// Such as `translation.addresses`; empty for the whole document.
    private let path: String
    private let mapping: Node.Mapping

    /// - Parameter file: The file's name, for errors.
    /// - Throws: `ConfigurationError` unless the text is one YAML mapping.
    package init(_ text: String, file: String) throws(ConfigurationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw ConfigurationError(error, in: file)
        } catch {
            throw ConfigurationError(place: file, message: "not YAML")
        }
        guard case .mapping(let mapping)? = root else {
            throw ConfigurationError(place: file, message: "a mapping of keys to values is expected")
        }
        self.init(file: file, path: "", mapping: mapping)
    }

    private init(file: String, path: String, mapping: Node.Mapping) {
        self.file = file
        self.path = path
        self.mapping = mapping
    }

    /// Checks that the mapping has no other keys than these, has each required one, and that each has the right type.
    /// - Throws: `ConfigurationError` for the first key that is wrong.
    package func check(_ keys: [ConfigurationKey]) throws(ConfigurationError) {
        for (node, _) in mapping {
            guard let name = node.string else { throw failure(at: node, "a key must be text") }
            if !keys.contains(where: { $0.name == name }) { throw unknown(name, at: node, among: keys.map(\.name)) }
        }
        for key in keys {
            guard let node = mapping[key.name] else {
                if key.isRequired { throw failure(key.name, "is needed: \(key.summary)") }
                continue
            }
            switch key.kind {
            case .text: _ = try string(key.name)
            case .number(let range): _ = try integer(key.name, in: range)
            case .time: _ = try duration(key.name)
            case .bytes(let range): _ = try bytes(key.name, in: range)
            case .texts: _ = try strings(key.name)
            case .mapping(let inner): try mapping(key.name)?.check(inner)
            case .list(let inner): for element in try mappings(key.name) ?? [] { try element.check(inner) }
            case .choice(let words):
                guard let word = try string(key.name), words.contains(word) else {
                    throw failure(key.name, "must be \(key.kind)")
                }
            case .words(let words, let inner):
                if case .scalar(let scalar) = node {
                    guard words.contains(scalar.string) else {
                        let known = "\(words.joined(separator: ", ")) or a mapping"
                        throw failure(key.name, "must be \(known), and is '\(scalar.string)'")
                    }
                } else {
                    try mapping(key.name)?.check(inner)
                }
            }
        }
    }

    private func unknown(_ name: String, at node: Node, among known: [String]) -> ConfigurationError {
        let nearest = known.min { distance($0, name) < distance($1, name) }
        // In a short word every letter may be another one within three changes.
        let limit = min(3, (name.count + 2) / 3)
        let hint = nearest.flatMap { distance($0, name) <= limit ? "did you mean '\($0)'?" : nil }
        let all = "known here: \(known.sorted().joined(separator: ", "))"
        return failure(at: node, "unknown key '\(full(name))'; \(hint ?? all)")
    }

    /// The text of the key; `nil` where it is a mapping or a list.
    package func word(_ key: String) -> String? { mapping[key]?.scalar?.string }

    package func string(_ key: String) throws(ConfigurationError) -> String? {
        guard let node = mapping[key] else { return nil }
        guard case .scalar(let scalar) = node, node.tag != Tag(.null) else {
            throw failure(at: node, "'\(full(key))' must be text")
        }
        return scalar.string
    }

    package func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let node = mapping[key] else { return nil }
        guard let value = node.int, range.contains(value) else {
            throw failure(at: node, "'\(full(key))' must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Reads `250ms`, `30s`, `5m`, `1h`, or a combination such as `1h30m`.
    package func duration(_ key: String) throws(ConfigurationError) -> Duration? {
        guard let node = mapping[key], let text = try string(key) else { return nil }
        guard let value = Duration(unitText: text) else {
            throw failure(at: node, "'\(full(key))' must be a time such as 250ms, 30s, 5m or 1h, and is '\(text)'")
        }
        return value
    }

    /// Reads `64MiB`, `512KiB`, or a plain number of bytes.
    package func bytes(
        _ key: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(ConfigurationError) -> Int? {
        guard let node = mapping[key], let text = try string(key) else { return nil }
        guard let value = ByteCount.parse(text) else {
            let hint = ByteCount.suggestion(for: text).map { "; did you mean '\($0)'?" } ?? ""
            let examples = "64MiB, 512KiB, 1GiB or a plain number of bytes"
            throw failure(at: node, "'\(full(key))' must be a size such as \(examples), and is '\(text)'\(hint)")
        }
        guard range.contains(value) else {
            let bounds = "\(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound)) bytes"
            throw failure(at: node, "'\(full(key))' must be a size from \(bounds), and is '\(text)'")
        }
        return value
    }

    package func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let node = mapping[key] else { return nil }
        guard case .sequence(let sequence) = node else { throw failure(at: node, "'\(full(key))' must be a list") }
        var values: [String] = []
        for element in sequence {
            guard let value = element.string else {
                throw failure(at: element, "'\(full(key))' must be a list of texts")
            }
            values.append(value)
        }
        return values
    }

    package func mapping(_ key: String) throws(ConfigurationError) -> ConfigurationSection? {
        guard let node = mapping[key] else { return nil }
        guard case .mapping(let inner) = node else { throw failure(at: node, "'\(full(key))' must be a mapping") }
        return ConfigurationSection(file: file, path: full(key), mapping: inner)
    }

    package func mappings(_ key: String) throws(ConfigurationError) -> [ConfigurationSection]? {
        guard let node = mapping[key] else { return nil }
        guard case .sequence(let sequence) = node else { throw failure(at: node, "'\(full(key))' must be a list") }
        var readers: [ConfigurationSection] = []
        for (index, element) in sequence.enumerated() {
            guard case .mapping(let inner) = element else {
                throw failure(at: element, "'\(full(key))[\(index)]' must be a mapping")
            }
            readers.append(ConfigurationSection(file: file, path: "\(full(key))[\(index)]", mapping: inner))
        }
        return readers
    }

    /// An error about the value of a key, or about the mapping where it lacks the key.
    package func failure(_ key: String, _ message: String) -> ConfigurationError {
        if let node = mapping[key] { return failure(at: node, "'\(full(key))': \(message)") }
        return ConfigurationError(place: place(mapping.mark), message: "'\(full(key))': \(message)")
    }

    private func failure(at node: Node, _ message: String) -> ConfigurationError {
        ConfigurationError(place: place(node.mark), message: message)
    }

    private func place(_ mark: Mark?) -> String {
        mark.map { "\(file):\($0.line):\($0.column)" } ?? file
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

/// The Levenshtein distance of two words, without their case.
private func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.lowercased())
    var row = Array(0...right.count)
    for (index, character) in left.lowercased().enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for (column, other) in right.enumerated() {
            let substituted = diagonal + (character == other ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
        }
    }
    return row[right.count]
}

extension ConfigurationError {
    /// An error of the YAML parser, on one line: the parser's own text quotes the file.
    fileprivate init(_ error: YamlError, in file: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            self.init(place: "\(file):\(mark.line):\(mark.column)", message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            self.init(
                place: "\(file):\(context.mark.line):\(context.mark.column)",
                message: "one mapping has keys twice: \(keys.joined(separator: ", "))")
        default:
            self.init(place: file, message: "not YAML")
        }
    }
}
