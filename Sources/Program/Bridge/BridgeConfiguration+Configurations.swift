internal import IstioAPI
internal import Publishing
internal import Settings
internal import Sources
internal import Translation

extension BridgeConfiguration {
    /// The keys of `configurations[]`.
    static func configurationKeys(_ kinds: Kinds) -> [ConfigurationKey] {
        [ConfigurationKey("name", .text, "unique among these and the registries, as a host's label", isRequired: true)]
            + kinds.configurations.map(\.key) + [
                ConfigurationKey(
                    "istio",
                    .mapping([
                        ConfigurationKey(
                            "namespaces", .texts, "the namespaces that objects may be in", isRequired: true),
                        ConfigurationKey(
                            "kinds", .texts, "the kinds that are taken; `EnvoyFilter` only where it is named",
                            standard: "`[\(words(PublicationPolicy.standardKinds))]`"),
                        ConfigurationKey(
                            "hosts", .texts,
                            "the hosts whose traffic objects may decide on, with `*` at one end; `allowedHosts` and the "
                                + "cluster's own hosts hold besides",
                            standard: "those of bridged services: `[\"*.<domain>\"]`"),
                        ConfigurationKey(
                            "gateways", .texts, "gateways at which a VirtualService may stand, beside `mesh`",
                            standard: "none"),
                    ]),
                    "objects of `networking.istio.io`, in YAML or JSON", isRequired: true)
            ]
    }

    private static func words(_ kinds: Set<ResourceKind>) -> String {
        kinds.map(\.rawValue).sorted().joined(separator: ", ")
    }

    /// Reads `configurations`, after everything else that its rules take from.
    func configurations(
        _ root: ConfigurationSection, _ kinds: Kinds
    ) throws(ConfigurationError) -> [ConfigurationCentre] {
        var centres: [ConfigurationCentre] = []
        for entry in try root.mappings("configurations") ?? [] {
            let name = try entry.string("name") ?? ""
            // It stands in an annotation, before a slash.
            guard DNSName.isLabel(name) else {
                throw entry.failure("name", "must be up to 63 lower-case letters, digits and '-'")
            }
            guard !centres.contains(where: { $0.name == name }), !registries.contains(where: { $0.name == name }) else {
                throw entry.failure("name", "another registry or configuration is called '\(name)' too")
            }
            let settings = try Self.settings(entry, name, kinds)
            guard let istio = try entry.mapping("istio") else {
                throw entry.failure("istio", "is needed, or nothing would be carried")
            }
            centres.append(
                ConfigurationCentre(name: name, settings: settings, policy: try publicationPolicy(istio)))
        }
        return centres
    }

    private static func settings(
        _ entry: ConfigurationSection, _ name: String, _ kinds: Kinds
    ) throws(ConfigurationError) -> any ConfigurationSettings {
        var found: (any ConfigurationSettings)?
        for kind in kinds.configurations {
            guard let section = try entry.mapping(kind.key.name) else { continue }
            if found != nil { throw entry.failure(kind.key.name, "a configuration is of one kind only") }
            found = try kind.settings(section)
        }
        if let found { return found }
        let keys = kinds.configurations.map { "'\($0.key.name)'" }.joined(separator: " or ")
        throw entry.failure("name", "the configuration '\(name)' has no kind: give \(keys)")
    }

    private func publicationPolicy(_ section: ConfigurationSection) throws(ConfigurationError) -> PublicationPolicy {
        let namespaces = try section.strings("namespaces") ?? []
        guard !namespaces.isEmpty else { throw section.failure("namespaces", "at least one is needed") }
        if let bad = namespaces.first(where: { !DNSName.isLabel($0) }) {
            throw section.failure("namespaces", "'\(bad)' can't be the name of a namespace")
        }
        var kinds = PublicationPolicy.standardKinds
        if let names = try section.strings("kinds") {
            kinds = []
            for name in names {
                guard let kind = ResourceKind(rawValue: name), PublicationPolicy.possibleKinds.contains(kind) else {
                    throw section.failure(
                        "kinds", "'\(name)' is none of \(Self.words(PublicationPolicy.possibleKinds))")
                }
                kinds.insert(kind)
            }
        }
        let hosts = try section.strings("hosts")
        for host in hosts ?? [] where host.dropFirst().dropLast().contains("*") || host == "*" || host.isEmpty {
            throw section.failure("hosts", "'\(host)' is no host with '*' at one end at most")
        }
        return PublicationPolicy(
            namespaces: namespaces, kinds: kinds, hosts: hosts, gateways: try section.strings("gateways") ?? [],
            translation: translation)
    }
}
