/// A key of the configuration: what it holds, and what people are told about it. One value of these drives the checking, the
/// suggestions in errors and the reference in `docs`.
package struct ConfigurationKey: Sendable {
    package indirect enum Kind: Sendable {
        case text
        case number(ClosedRange<Int>)
        /// `250ms`, `30s`, `5m`, `1h`, `1h30m`.
        case time
        /// `64MiB`, `512KiB`, or a plain number of bytes.
        case bytes(ClosedRange<Int>)
        case texts
        case mapping([ConfigurationKey])
        case list(of: [ConfigurationKey])
        /// Text that is one of these words.
        case choice([String])
        /// Text that is one of these words, or a mapping.
        case words([String], or: [ConfigurationKey])
    }

    package var name: String
    package var kind: Kind
    /// In Markdown.
    package var summary: String
    /// What holds where the key is absent, in Markdown.
    package var standard: String
    package var isRequired = false

    package init(
        _ name: String, _ kind: Kind, _ summary: String, standard: String = "", isRequired: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.standard = standard
        self.isRequired = isRequired
    }
}
