package import Logging
package import Services
package import Settings

/// A kind of registry: its part of the configuration, and how one that is configured is followed.
///
/// A new registry is one target with a kind in it, and one line in the list of kinds.
package protocol RegistryKind: Sendable {
    /// The key below `registries[]`, with the schema of what stands there.
    var key: ConfigurationKey { get }

    /// The form of a URL for `--registry`, such as `scheme://HOST:PORT[/root]`; it begins with the scheme.
    var urlForm: String { get }

    /// The defaults of the formats of its registrations.
    var formats: [FormatDefaults] { get }

    /// Reads what stands below the key; the section is of the schema.
    /// - Throws: `ConfigurationError` for values that can't be meant.
    func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings

    /// Reads what stands behind `--registry`.
    /// - Parameter url: With the scheme.
    /// - Throws: `ConfigurationError` for what can't be meant. Its message never repeats a password.
    func settings(url: String) throws(ConfigurationError) -> any RegistrySettings
}

extension RegistryKind {
    /// The scheme of a URL for `--registry`, without `://`.
    package var urlScheme: Substring { urlForm.prefix { $0 != ":" } }
}

/// How one registry is followed, as its kind has read it from the configuration.
package protocol RegistrySettings: Sendable {
    /// Makes the source. Nothing is connected before it runs.
    func source(_ context: SourceContext) -> any Source
}

/// What a source needs besides its settings.
package struct SourceContext: Sendable {
    /// The name of the registry.
    package var name: String
    /// The attributes of instances that are kept; all others are dropped when an instance is decoded.
    package var keptAttributes: [String]
    /// Reads the hosts of instances.
    package var hosts: HostRules
    /// Whether the source runs until it is stopped. What is only counted may then follow the first complete read;
    /// otherwise that read is the only one.
    package var isLasting: Bool
    /// It bears the registry's name already.
    package var logger: Logger

    package init(
        name: String, keptAttributes: [String], hosts: HostRules, isLasting: Bool = false, logger: Logger
    ) {
        self.name = name
        self.keptAttributes = keptAttributes
        self.hosts = hosts
        self.isLasting = isLasting
        self.logger = logger
    }
}
