internal import Conventions
package import Services
package import Settings
package import Sources

/// A Eureka, in which applications register.
package struct EurekaKind: RegistryKind {
    package init() {}

    package let formats = [FormatDefaults.applications(weight: 1)]

    package let urlForm = "eureka://HOST:PORT[,HOST:PORT…][/path]"

    package func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        try EurekaSettings(section, protocols: formats.protocols)
    }

    package func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        try EurekaSettings(url: url, protocols: formats.protocols)
    }

    package var key: ConfigurationKey {
        ConfigurationKey("eureka", .mapping(reaching + following), "a Eureka in which applications register")
    }

    /// How servers are reached.
    private var reaching: [ConfigurationKey] {
        [
            ConfigurationKey(
                "servers", .texts,
                "the servers of one registry, each by the URL that its clients take, such as "
                    + "`http://eureka-1:8761/eureka`. The first one that answers is asked until it fails, so put those "
                    + "of the bridge's own zone first", isRequired: true),
            ConfigurationKey("username", .text, "the user for Basic authentication", standard: "nobody"),
            ConfigurationKey("passwordFile", .text, "a file with the password; read for each new connection"),
            ConfigurationKey("passwordEnv", .text, "instead of it, an environment variable with the password"),
            ConfigurationKey(
                "tls", .mapping(TLSFiles.keys),
                "TLS of servers with `https`. Files are read again for each new connection",
                standard: "the system's authorities"),
            ConfigurationKey(
                "interval", .time,
                "between two requests for changes. Servers renew their answers every 30 s, unless "
                    + "`eureka.server.useReadOnlyResponseCache` is `false`", standard: "`30s`"),
        ]
    }

    /// The applications that are followed, and what becomes of them.
    private var following: [ConfigurationKey] {
        [
            ConfigurationKey(
                "applications", .mapping(NameFilter.keys), "the services that are followed, by name in lower case"),
            ConfigurationKey(
                "names", .choice(EurekaDecoder.Naming.allCases.map(\.rawValue)),
                "what names a service: the application, or the virtual addresses (`vipAddress`) of its instances",
                standard: "`application`"),
            ConventionPolicy.key(formats.protocols, "the protocols of instances at their plain port"),
            ConfigurationKey(
                "absenceDelay", .time,
                "how long an instance stays that a server which may have started anew does not know: clients need two "
                    + "heartbeats to come back", standard: "`60s`"),
        ]
    }
}
