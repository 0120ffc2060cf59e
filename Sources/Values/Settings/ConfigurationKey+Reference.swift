extension ConfigurationKey {
    /// The table of keys in Markdown, as in `docs/configuration.md`.
    package static func reference(_ keys: [ConfigurationKey]) -> String {
        "| key | holds | default | meaning |\n|---|---|---|---|\n" + rows(keys, below: "").joined(separator: "\n")
            + "\n"
    }

    private static func rows(_ keys: [ConfigurationKey], below path: String) -> [String] {
        keys.flatMap { key -> [String] in
            let full = path + key.name
            let standard = key.isRequired ? "*needed*" : key.standard
            let row = "| `\(full)` | \(key.kind.description) | \(standard) | \(key.summary) |"
            switch key.kind {
            case .mapping(let inner), .words(_, let inner): return [row] + rows(inner, below: full + ".")
            case .list(let inner): return [row] + rows(inner, below: full + "[].")
            case .text, .number, .time, .bytes, .texts, .choice: return [row]
            }
        }
    }
}

extension ConfigurationKey.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .text: "text"
        case .number(let range): "\(range.lowerBound)–\(range.upperBound)"
        case .time: "time"
        case .bytes(let range): "size, \(ByteCount.text(range.lowerBound))–\(ByteCount.text(range.upperBound))"
        case .texts: "list of texts"
        case .mapping: "mapping"
        case .list: "list of mappings"
        case .choice(let words):
            words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .words(let words, _): "\(words.joined(separator: ", ")) or a mapping"
        }
    }
}
