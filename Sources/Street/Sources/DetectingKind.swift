package import Logging
package import Services

/// A kind of registry that can look at what a registry holds and name the conventions.
package protocol DetectingKind: RegistryKind {
    /// Looks at a registry: it reads only, and a bounded part.
    ///
    /// - Parameter url: With the scheme, as far as it says where the registry is.
    /// - Throws: `ConfigurationError` for a URL that can't be meant, and `ReadFailure` for a registry that can't be read.
    func detect(url: String, logger: Logger) async throws -> DetectedConventions
}

/// What a registry seems to hold.
package struct DetectedConventions: Sendable {
    /// Those with the most instances first.
    package var conventions: [DetectedConvention]
    /// The keys that were looked at.
    package var keys: Int
    /// Whether the registry has more keys.
    package var hasMore: Bool

    package init(conventions: [DetectedConvention], keys: Int, hasMore: Bool) {
        self.conventions = conventions
        self.keys = keys
        self.hasMore = hasMore
    }
}

package struct DetectedConvention: Sendable {
    package var name: String
    package var services: Int
    package var instances: Int
    /// Some of its keys.
    package var samples: [String]
    /// What a configuration has below the registry's kind, in lines of YAML.
    package var configuration: [String]
    /// One of its services.
    package var example: Service

    package init(
        name: String, services: Int, instances: Int, samples: [String], configuration: [String], example: Service
    ) {
        self.name = name
        self.services = services
        self.instances = instances
        self.samples = samples
        self.configuration = configuration
        self.example = example
    }
}
