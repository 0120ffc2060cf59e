internal import Services
package import Settings

extension DeclaredLayout {
    /// The keys of one layout in a configuration.
    package static let keys: [ConfigurationKey] = place + fields + rules

    private static let place = [
        ConfigurationKey(
            "preset", .choice(Declaration.presets.map(\.name)),
            "a convention that is known; every other key here changes a part of it", standard: "none"),
        ConfigurationKey("root", .text, "what all keys of the layout begin with", standard: "the preset's, or nothing"),
        ConfigurationKey(
            "prefixes", .texts,
            "only keys are read that begin with one of these after the root. Needed where the keys of a layout begin "
                + "with the service", standard: "all below the root"),
        ConfigurationKey("services", .mapping(NameFilter.keys), "the services that are followed, by name"),
        ConfigurationKey(
            "key", .text,
            "the form of a key after the root, such as `/{service}/{id}`; `{name...}` stands for several parts",
            standard: "the preset's"),
        ConfigurationKey(
            "value", .texts,
            "the steps from the bytes of a value to its fields: "
                + Decoding.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "),
            standard: "the preset's, or `[json]`"),
        ConfigurationKey(
            "endpoints", .text, "where a value has several instances: the path to them, such as `nodes[]`",
            standard: "the value is one instance"),
    ]

    private static let fields = [
        ConfigurationKey("service", .text, "the path to the service's name", standard: "`key.service`"),
        ConfigurationKey("address", .text, "the path to the host, or to `host:port`", standard: "`address`"),
        ConfigurationKey("port", .text, "the path to the port", standard: "in the address"),
        ConfigurationKey("tlsPort", .text, "the path to a further port with TLS", standard: "none"),
        ConfigurationKey("tls", .text, "the path to `true` where the port has TLS", standard: "none"),
        ConfigurationKey("protocolField", .text, "the path to the protocol's name", standard: "none"),
        ConfigurationKey(
            "protocol", .choice(protocols.map(\.portProtocol.name).sorted()), "the protocol where no field names one",
            standard: "the preset's, or `tcp`"),
        ConfigurationKey("protocols", .texts, "protocols of other names, each `name = protocol`"),
        ConfigurationKey("weight", .text, "the path to the weight", standard: "none"),
        ConfigurationKey(
            "defaultWeight", .number(1...1_000_000), "the weight of an instance that has none", standard: "`1`"),
        ConfigurationKey(
            "zeroWeight", .choice(Declaration.ZeroWeight.allCases.map(\.rawValue)), "what a weight of 0 means",
            standard: "`noTraffic`"),
        ConfigurationKey("application", .text, "the path to the application's name", standard: "none"),
        ConfigurationKey("version", .text, "the path to the version, a label of the endpoint", standard: "none"),
        ConfigurationKey(
            "labels", .texts,
            "attributes of an instance: a path to an object of them, or `name = path`. "
                + "`translation.labels.keep` decides which ones become labels"),
        ConfigurationKey("qualifiers", .texts, "what tells services of one name apart, each `name = path`"),
    ]

    private static let rules = [
        ConfigurationKey(
            "where", .texts,
            "an entry is an instance where all of these hold: `path = text`, `?=` (absent or equal), "
                + "`!=`, or a path alone (there)"),
        ConfigurationKey("enabled", .texts, "an instance gets traffic where all of these hold"),
        ConfigurationKey(
            "lasting", .choice(["keep", "leaveOut"]),
            "entries that don't go with their owner: without a lease, or not ephemeral", standard: "`keep`"),
        ConfigurationKey(
            "sides",
            .list(of: [
                ConfigurationKey(
                    "key", .text, "the form of the key; `{service}`, `{id}` and `{address}` name the instances",
                    isRequired: true),
                ConfigurationKey("weight", .text, "the path to the weight of the instances"),
                ConfigurationKey("enabled", .texts, "the instances get traffic where all of these hold"),
            ]), "keys beside the instances that say something of them"),
    ]

}
