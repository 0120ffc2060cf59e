/// A key of the configuration: its type and its documentation. The same value drives the check of a file, the
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
        /// One of these words.
        case choice([String])
        /// One of these words, or a mapping.
        case words([String], or: [ConfigurationKey])
    }

    package var name: String
    package var kind: Kind
    /// The meaning, in Markdown.
    package var summary: String
    /// The default, in Markdown.
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
