package import Logging
package import Settings

/// A kind of configuration centre: its part of the configuration, and how one that is configured is followed.
///
/// A new kind is one type and one line in the list of kinds.
package protocol ConfigurationKind: Sendable {
    /// The key below `configurations[]`, with the schema of what stands there.
    var key: ConfigurationKey { get }

    /// Reads what stands below the key; the section is of the schema.
    /// - Throws: `ConfigurationError` for values that can't be meant.
    func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any ConfigurationSettings
}

/// How one configuration centre is followed, as its kind has read it from the configuration.
package protocol ConfigurationSettings: Sendable {
    /// Makes the source. Nothing is connected before it runs.
    func source(_ context: ConfigurationContext) -> any ConfigurationSource
}

/// What a configuration source needs besides its settings.
package struct ConfigurationContext: Sendable {
    /// The name of the configuration centre.
    package var name: String
    /// It bears the name already.
    package var logger: Logger

    package init(name: String, logger: Logger) {
        self.name = name
        self.logger = logger
    }
}

/// Follows the documents that operators publish in a configuration centre. It knows nothing of their content.
package protocol ConfigurationSource: Sendable {
    /// Unique among the configured configuration centres.
    var name: String { get }

    /// Follows the documents until the task is cancelled. A failure of the centre is an event, never an end.
    /// - Parameter emit: Takes the next event; while it is busy, the source waits.
    func run(emit: @escaping @Sendable (ConfigurationEvent) async -> Void) async
}

/// What a configuration source says. A document bears the name that the centre gives it.
package enum ConfigurationEvent: Sendable, Hashable {
    /// All documents, by one complete read on an unbroken connection.
    case complete([String: DocumentReading])
    /// A document was published, or published anew.
    case changed(name: String, DocumentReading)
    /// The centre says that there is no such document any more.
    case removed(name: String)
    /// The centre can't be read: everything known goes on, as stale.
    case interrupted(reason: String)
}

/// What a read of one document showed.
package enum DocumentReading: Sendable, Hashable {
    case text(String)
    /// The document is there, or may be, and can't be read.
    case unreadable(reason: String)
}
