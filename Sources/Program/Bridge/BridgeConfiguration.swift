package import Catalog
package import Kubernetes
package import Translation
package import ZooKeeper

/// What the operator wants, checked and complete.
package struct BridgeConfiguration: Sendable {
    /// A ZooKeeper ensemble in which Dubbo providers register.
    package struct Registry: Sendable {
        package var name: String
        package var servers: ConnectionString
        /// Dubbo's root below the connection string's chroot.
        package var root: String
        package var sessionTimeout: Duration
        /// The longest reply that is taken, in bytes.
        package var replyLimit: Int
        package var credentials: [Credential] = []
        /// `nil` for a connection in the clear.
        package var tls: TLS?

        package init(
            name: String, servers: ConnectionString, root: String = "/dubbo", sessionTimeout: Duration = .seconds(30),
            replyLimit: Int = 64 << 20
        ) {
            self.name = name
            self.servers = servers
            self.root = root
            self.sessionTimeout = sessionTimeout
            self.replyLimit = replyLimit
        }
    }

    package struct Cluster: Sendable {
        package var name: String
        package var configuration: ClusterConfiguration

        package init(name: String, configuration: ClusterConfiguration) {
            self.name = name
            self.configuration = configuration
        }
    }

    package var registries: [Registry]
    package var translation: TranslationPolicy
    /// What is taken for a failure of a registry.
    package var removals = GuardPolicy()
    /// `nil` where nobody else writes to the clusters.
    package var leadership: Leadership? = Leadership()
    package var clusters: [Cluster]
    /// Whether objects of a cluster that keep changing are written less often.
    package var isPaced = true
    /// A folder for one YAML file a resource; `nil` for none.
    package var directory: String?
    /// A file for what must survive a restart; `nil` for none.
    package var statePath: String?
    /// `nil` for a bridge that answers nobody.
    package var admin: Admin?

    package init(
        registries: [Registry], translation: TranslationPolicy, removals: GuardPolicy = GuardPolicy(),
        leadership: Leadership? = Leadership(), clusters: [Cluster], directory: String? = nil,
        statePath: String? = nil, admin: Admin? = nil
    ) {
        self.registries = registries
        self.translation = translation
        self.removals = removals
        self.leadership = leadership
        self.clusters = clusters
        self.directory = directory
        self.statePath = statePath
        self.admin = admin
    }
}

/// A configuration that can't be used: where, what, and what to do.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `file:line:column`, or the flag.
    package var place: String
    package var message: String

    package init(place: String, message: String) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}

extension BridgeConfiguration {
    /// The table of all keys in Markdown; `docs/configuration.md` has it.
    package static var reference: String { ConfigurationKey.reference }
}
