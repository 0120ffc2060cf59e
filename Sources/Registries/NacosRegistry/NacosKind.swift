internal import Conventions
internal import Dubbo
package import Services
package import Settings
package import Sources

/// A Nacos, of 1.x to 3.x, in which applications and Dubbo providers register.
package struct NacosKind: RegistryKind {
    package init() {}

    package let formats = [
        FormatDefaults.dubbo, .applications(weight: 1, labels: [NacosDecoder.clusterAttribute]),
    ]

    package let urlForm = "nacos://HOST:PORT[,HOST:PORT…][/namespace]"

    package func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        try NacosSettings(section, protocols: formats.protocols)
    }

    package func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        try NacosSettings(url: url, protocols: formats.protocols)
    }

    package var key: ConfigurationKey {
        ConfigurationKey(
            "nacos", .mapping(Self.reaching + following),
            "a Nacos in which applications and Dubbo providers register")
    }

    /// How servers are reached.
    static var reaching: [ConfigurationKey] {
        [
            ConfigurationKey(
                "servers", .texts, "the servers of one cluster, each `HOST:PORT`; IPv6 in brackets", isRequired: true),
            ConfigurationKey(
                "grpcPort", .number(1...65_535), "the servers' port for gRPC", standard: "1000 above that of `servers`"),
            ConfigurationKey("contextPath", .text, "the path before every HTTP request", standard: "`/nacos`"),
            ConfigurationKey("username", .text, "the user, who needs READ on the namespaces", standard: "nobody"),
            ConfigurationKey("passwordFile", .text, "a file with the password; read at each login"),
            ConfigurationKey("passwordEnv", .text, "instead of it, an environment variable with the password"),
            ConfigurationKey("accessKeyFile", .text, "a file with the access key of Alibaba's MSE, in place of a user"),
            ConfigurationKey("accessKeyEnv", .text, "instead of it, an environment variable with the access key"),
            ConfigurationKey("secretKeyFile", .text, "a file with the secret key that belongs to it"),
            ConfigurationKey("secretKeyEnv", .text, "instead of it, an environment variable with the secret key"),
            ConfigurationKey(
                "tls", .mapping(TLSFiles.keys),
                "TLS; `{}` trusts the system's authorities. Files are read again for each connection",
                standard: "no TLS"),
        ]
    }

    /// The services that are followed, and what becomes of them.
    private var following: [ConfigurationKey] {
        [
            ConfigurationKey(
                "namespaces", .texts,
                "the ids of the namespaces that are followed. Of several, all but `public` become parts of their "
                    + "services' hosts", standard: "`[public]`"),
            ConfigurationKey("groups", .mapping(NameFilter.keys), "the groups that are followed"),
            ConfigurationKey("services", .mapping(NameFilter.keys), "the services that are followed, by name"),
            ConventionPolicy.key(
                formats.protocols,
                "the protocols of instances that are neither Dubbo's nor another known framework's"),
            ConfigurationKey(
                "cluster", .choice(NacosDecoder.ClusterMeaning.allCases.map(\.rawValue)),
                "what an instance's cluster is to the mesh, besides the label `\(NacosDecoder.clusterAttribute)`",
                standard: "`none`"),
            ConfigurationKey(
                "absenceDelay", .time,
                "after a reconnection, how long an instance that the server does not know any more stays: providers "
                    + "need this time to register again", standard: "`30s`"),
        ]
    }
}
