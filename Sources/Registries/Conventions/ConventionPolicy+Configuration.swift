internal import IstioAPI
package import Services
package import Settings

extension ConventionPolicy {
    /// The key `protocol` of a registry.
    /// - Parameters:
    ///   - protocols: Those that the registry's instances may have.
    ///   - summary: Whose protocols these are.
    package static func key(_ protocols: [ProtocolDefaults], _ summary: String) -> ConfigurationKey {
        ConfigurationKey(
            "protocol",
            .mapping([
                ConfigurationKey(
                    "key", .text, "the key of an instance's metadata that names its protocol", standard: "`protocol`"),
                ConfigurationKey(
                    "default", .choice(protocols.map(\.portProtocol.name).sorted()),
                    "the protocol of an instance that names none and is of no known framework", standard: "`http`"),
            ]), summary)
    }

    /// Reads what stands below that key.
    /// - Throws: `ConfigurationError` for an empty key.
    package mutating func read(_ rule: ConfigurationSection) throws(ConfigurationError) {
        if let key = try rule.string("key") {
            if key.isEmpty { throw rule.failure("key", "must be a key of the metadata") }
            protocolKey = key
        }
        if let name = try rule.string("default"),
            let known = protocols.first(where: { $0.portProtocol.name == name })
        {
            standardProtocol = known.portProtocol
        }
    }
}
