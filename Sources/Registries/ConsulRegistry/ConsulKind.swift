internal import Conventions
internal import Dubbo
package import Services
package import Settings
package import Sources

/// A Consul, in which applications register.
package struct ConsulKind: RegistryKind {
    package init() {}

    package let formats = [
        FormatDefaults.dubbo, .applications(weight: 1, labels: [ConsulDecoder.datacenterAttribute]),
    ]

    package let urlForm = "consul://HOST:PORT[,HOST:PORT…][/datacenter]"

    package func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        try ConsulSettings(section, protocols: formats.protocols)
    }

    package func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        try ConsulSettings(url: url, protocols: formats.protocols)
    }

    package var key: ConfigurationKey {
        ConfigurationKey("consul", .mapping(reaching + following), "a Consul in which applications register")
    }

    /// How agents or servers are reached.
    private var reaching: [ConfigurationKey] {
        [
            ConfigurationKey(
                "servers", .texts,
                "agents or servers of one cluster, each `HOST:PORT`; IPv6 in brackets. The next one is asked when one fails",
                isRequired: true),
            ConfigurationKey(
                "tokenFile", .text,
                "a file with the token, which needs read on `service_prefix \"\"` and "
                    + "`node_prefix \"\"`; read for each new connection"),
            ConfigurationKey("tokenEnv", .text, "instead of it, an environment variable with the token"),
            ConfigurationKey(
                "tls", .mapping(TLSFiles.keys),
                "TLS; `{}` trusts the system's authorities. Files are read again for each new connection",
                standard: "no TLS"),
            ConfigurationKey(
                "connections", .number(4...100_000),
                "the connections to one server. A service that has none of its own is asked every 10 s. Consul refuses more "
                    + "than its `limits.http_max_conns_per_client`", standard: "90"),
            ConfigurationKey(
                "wait", .time,
                "for how long Consul holds a query in which nothing changes; a connection that died "
                    + "unnoticed is noticed after this time", standard: "`2m`"),
        ]
    }

    /// The services that are followed, and what becomes of them.
    private var following: [ConfigurationKey] {
        [
            ConfigurationKey(
                "datacenters", .texts,
                "the datacenters that are followed. Of several, each becomes a part of its services' hosts",
                standard: "the agent's own"),
            ConfigurationKey(
                "namespaces", .texts,
                "Enterprise: the namespaces that are followed. Of several, all but `default` become parts of their "
                    + "services' hosts", standard: "the token's own"),
            ConfigurationKey(
                "partitions", .texts,
                "Enterprise: the partitions that are followed. Of several, all but `default` become parts of their "
                    + "services' hosts", standard: "the agent's own"),
            ConfigurationKey("services", .mapping(NameFilter.keys), "the services that are followed, by name"),
            ConventionPolicy.key(formats.protocols, "the protocols of instances that are of no known framework"),
            ConfigurationKey(
                "warning", .choice(["serve", "refuse"]),
                "whether an instance with a warning gets traffic, by its weight for that", standard: "`serve`"),
            ConfigurationKey(
                "address", .text, "the tagged address that is used where an instance has it, such as `wan`",
                standard: "the instance's own"),
            ConfigurationKey(
                "datacenter", .choice(ConsulDecoder.Rules.DatacenterMeaning.allCases.map(\.rawValue)),
                "what an instance's datacenter is to the mesh, besides the label `\(ConsulDecoder.datacenterAttribute)`",
                standard: "`none`"),
        ]
    }
}
