internal import Declarations
package import Services
package import Settings
package import Sources

/// An etcd in which services register by one of the declared layouts.
package struct EtcdKind: RegistryKind {
    package init() {}

    package let formats = [FormatDefaults.declared]

    package let urlForm = "etcd://HOST:PORT[,HOST:PORT…]/[prefix]?layout=NAME"

    package func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        try EtcdSettings(section)
    }

    package func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        try EtcdSettings(url: url)
    }

    package var key: ConfigurationKey {
        ConfigurationKey(
            "etcd",
            .mapping([
                ConfigurationKey(
                    "servers", .texts, "the servers of one cluster, each `HOST:PORT`; IPv6 in brackets",
                    isRequired: true),
                ConfigurationKey(
                    "username", .text, "the user, who needs read on the whole of each prefix", standard: "nobody"),
                ConfigurationKey("passwordFile", .text, "a file with the password; read at each login"),
                ConfigurationKey("passwordEnv", .text, "instead of it, an environment variable with the password"),
                ConfigurationKey(
                    "tls", .mapping(TLSFiles.keys),
                    "TLS; `{}` trusts the system's authorities. Files are read again for each connection",
                    standard: "no TLS"),
                ConfigurationKey(
                    "layouts", .list(of: DeclaredLayout.keys),
                    "the layouts that are followed; see `docs/home-made.md`", isRequired: true),
                ConfigurationKey(
                    "rejoin", .time,
                    "how long the removal of an instance waits for another key with the same endpoint; `0` for not at "
                        + "all",
                    standard: "`200ms`"),
            ]),
            "an etcd in which services register by a layout of their own")
    }
}
