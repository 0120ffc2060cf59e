internal import Declarations
internal import Dubbo
package import Services
package import Settings
package import Sources
internal import ZooKeeper

/// A ZooKeeper ensemble in which Dubbo providers register.
package struct ZooKeeperKind: RegistryKind {
    package init() {}

    package let formats = [FormatDefaults.dubbo, .declared]

    package let urlForm = "zookeeper://HOST:PORT[,HOST:PORT…][/dubbo-root][?backup=HOST:PORT,…][&group=dubbo-root]"

    package func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        try ZooKeeperSettings(section)
    }

    package func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        try ZooKeeperSettings(url: url)
    }

    package var key: ConfigurationKey {
        ConfigurationKey(
            "zookeeper",
            .mapping(
                Self.reaching + [
                    ConfigurationKey(
                        "dubbo",
                        .mapping([
                            ConfigurationKey(
                                "root", .text, "the znode below which interfaces stand", standard: "`/dubbo`")
                        ]),
                        "Dubbo's layout"),
                    ConfigurationKey(
                        "layouts", .list(of: DeclaredLayout.keys),
                        "layouts in place of Dubbo's; see `docs/home-made.md`. They need ZooKeeper 3.6"),
                    ConfigurationKey(
                        "rejoin", .time,
                        "how long the removal of an instance of a layout waits for another znode with the same endpoint; "
                            + "`0` for not at all", standard: "`200ms`"),
                ]),
            "a ZooKeeper ensemble in which Dubbo providers register, or services by a layout of their own")
    }

    /// How an ensemble is reached.
    static var reaching: [ConfigurationKey] {
        [
            ConfigurationKey("servers", .texts, "each `HOST:PORT`; IPv6 in brackets", isRequired: true),
            ConfigurationKey(
                "sessionTimeout", .time, "at least 1s; the ensemble may shorten it", standard: "`30s`"),
            ConfigurationKey(
                "replyLimit", .bytes(64 << 10...Int(Int32.max)),
                "the longest reply that is taken; what is longer is passed over, and what was known of it goes on",
                standard: "`64MiB`"),
            ConfigurationKey(
                "tls", .mapping(TLSFiles.keys),
                "TLS, for a `secureClientPort`; `{}` trusts the system's authorities. Files are read again for each "
                    + "connection",
                standard: "no TLS"),
            ConfigurationKey(
                "digest",
                .mapping([
                    ConfigurationKey("user", .text, "the name", isRequired: true),
                    ConfigurationKey("passwordFile", .text, "a file with the password; read at the start"),
                    ConfigurationKey(
                        "passwordEnv", .text, "instead of it, an environment variable with the password"),
                ]),
                "what the bridge proves itself with, for znodes that not everybody may read (the scheme `digest`)",
                standard: "nothing"),
        ]
    }
}
