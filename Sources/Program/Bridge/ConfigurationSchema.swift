internal import Deliveries
internal import IstioAPI
internal import Services
internal import Settings
internal import Sources
internal import Translation

extension BridgeConfiguration {
    /// The table of all keys in Markdown; `docs/configuration.md` has it.
    package static var reference: String { ConfigurationKey.reference(schema(.standard)) }

    /// All keys: those of the bridge, and those of the kinds.
    static func schema(_ kinds: Kinds) -> [ConfigurationKey] {
        [
            ConfigurationKey(
                "instance", .text, "this installation; becomes the label `isthmus.mesh/instance` of every object",
                standard: "`main`"),
            ConfigurationKey(
                "registries", .list(of: registry(kinds)),
                "what to watch; of an endpoint in two the newer description counts",
                isRequired: true),
            ConfigurationKey(
                "configurations", .list(of: configurationKeys(kinds)),
                "where operators publish Istio's own objects, beside the registries", standard: "nowhere"),
            ConfigurationKey(
                "mesh", .choice(MeshMode.allCases.map(\.rawValue)),
                "how clients are connected: by a sidecar each, or by ztunnels (`ambient`)", standard: "`sidecar`"),
            ConfigurationKey("translation", .mapping(translation(kinds.formats)), "how services look in the mesh"),
            ConfigurationKey(
                "delivery", .mapping(kinds.deliveries.flatMap(\.keys)), "where resources go",
                standard: "the cluster at hand"),
            ConfigurationKey(
                "guard", .mapping(removals), "which losses look like a failure of the registry and are held back"),
            ConfigurationKey(
                "limits", .mapping(limits),
                "what registries can make the bridge carry; what was there first stays, and the status counts the rest"),
            ConfigurationKey(
                "leadership", .words(["off"], or: leadership),
                "which of several replicas writes to a cluster: a Lease in it, or `off` where there is only one"),
            ConfigurationKey(
                "admin", .mapping(admin), "where the running bridge tells of itself, for `isthmus status` and probes",
                standard: "nowhere"),
            ConfigurationKey(
                "state",
                .mapping([ConfigurationKey("path", .text, "a file; its folder is made when missing", isRequired: true)]
                ),
                "what the bridge remembers over restarts where no cluster does",
                standard: "with a `directory` and no cluster `<directory>/.isthmus-<instance>.state`, else none"),
        ]
    }

    private static func registry(_ kinds: Kinds) -> [ConfigurationKey] {
        var keys = kinds.registries.map(\.key)
        // Where there is one kind only, it is the one that is missing.
        if keys.count == 1 { keys[0].isRequired = true }
        return [
            ConfigurationKey("name", .text, "unique, without commas", isRequired: true),
            ConfigurationKey(
                "scope", .text,
                "keeps its services apart from those of the same name in registries of another scope; becomes a part of "
                    + "their hosts",
                standard: "one service wherever it is registered"),
        ] + keys
    }

    private static func translation(_ formats: [FormatDefaults]) -> [ConfigurationKey] {
        let plain = formats.protocols.filter(\.isPlain).map(\.portProtocol.name)
        return [
            ConfigurationKey(
                "namespace", .text, "where the resources go", standard: "the namespace of the cluster's context"),
            ConfigurationKey(
                "domain", .text,
                "every host ends in it; `\"\"` gives bare names and refuses those without a dot. It is no namespace of the "
                    + "cluster: `orders.shop` would be the Service `orders` of the namespace `shop`",
                standard: "`mesh`"),
            ConfigurationKey(
                "plainProtocols", .texts,
                "protocols that don't show in a host; the hosts of all others have a label `p-<protocol>`",
                standard: "`[\(plain.joined(separator: ", "))]`"),
            ConfigurationKey(
                "addresses",
                .words(
                    ["istiod", "none"],
                    or: [ConfigurationKey("cidr", .text, "virtual addresses come from this block", isRequired: true)]),
                "virtual addresses: of a block, or allocated by istiod (1.25 and later), or none",
                standard: "`{ cidr: 240.16.0.0/12 }`"),
            ConfigurationKey(
                "exportTo", .texts, "namespaces that see the services; without effect in ambient",
                standard: "the mesh's default"),
            ConfigurationKey(
                "ports",
                .mapping(ports(formats)),
                "the port of a service, by its protocol"),
            ConfigurationKey(
                "labels",
                .mapping([
                    ConfigurationKey(
                        "keep", .texts, "parameters of a provider that become labels of its endpoint",
                        standard: "`[\(formats.labels.joined(separator: ", "))]`")
                ]),
                "labels of endpoints"),
            ConfigurationKey(
                "endpoints", .choice(TranslationPolicy.EndpointPolicy.allCases.map(\.rawValue)),
                "where endpoints stand: in their ServiceEntry, or each in a WorkloadEntry of its own, or the one or the other by their number",
                standard: "`auto`"),
            ConfigurationKey(
                "inlineLimit",
                .mapping([
                    ConfigurationKey("endpoints", .number(2...4096), "how many there are", standard: "`1000`"),
                    ConfigurationKey(
                        "bytes", .bytes(1 << 10...1 << 20), "how long their JSON is", standard: "`256KiB`"),
                ]),
                "with `endpoints: auto`, above it a service gets WorkloadEntries; below half of it, it gives them up again"
            ),
            ConfigurationKey(
                "emptyRetention", .time, "how long a service that everyone left keeps its entry, without endpoints",
                standard: "`1h`"),
            ConfigurationKey(
                "allowedHosts", .texts,
                "hosts that a registry may take, with `*` at one end: `com.acme.*`, `*.shop.mesh`",
                standard: "all but those of the cluster"),
            ConfigurationKey(
                "hostNames", .choice(["allow", "refuse"]),
                "instances that register a host name: istiod resolves it, and each change of such a service is a full push",
                standard: "`allow`"),
            ConfigurationKey(
                "allowLoopback", .choice(["true", "false"]),
                "whether instances may have loopback addresses and `localhost`: only where everything runs on one machine",
                standard: "`false`"),
            ConfigurationKey(
                "outlierDetection",
                .words(
                    ["off"],
                    or: [
                        ConfigurationKey(
                            "failures", .number(1...1000), "how many connections in a row fail before", standard: "`2`"),
                        ConfigurationKey("interval", .time, "how often a client looks", standard: "`1s`"),
                        ConfigurationKey(
                            "ejection", .time, "how long the endpoint is left alone; longer each time",
                            standard: "`10s`"),
                        ConfigurationKey(
                            "maxPercent", .number(0...100),
                            "the largest part of a service's endpoints that is left alone, in percent", standard: "`50`"
                        ),
                    ]),
                "when clients stop calling an endpoint that refuses connections: a DestinationRule for all hosts of `domain`",
                standard: "`{ failures: 2, interval: 1s, ejection: 10s, maxPercent: 50 }`"),
            ConfigurationKey(
                "clusterDomain", .text, "hosts of this domain are never taken", standard: "`cluster.local`"),
        ]
    }

    private static func ports(_ formats: [FormatDefaults]) -> [ConfigurationKey] {
        formats.protocols.sorted { $0.portProtocol < $1.portProtocol }.map { defaults in
            ConfigurationKey(
                defaults.portProtocol.name, .number(1...65535), "of `\(defaults.portProtocol)`",
                standard: defaults.port.map { "`\($0)`" } ?? "that of the service's first instances")
        }
    }

    private static let removals: [ConfigurationKey] = [
        ConfigurationKey(
            "maxRemovalPercent", .number(0...100),
            "of a registry's instances, how many percent may be lost in the window, less what arrivals that stand pay for",
            standard: "`15`"),
        ConfigurationKey(
            "minRemovals", .number(0...1_000_000), "how many may always be lost, however small the registry",
            standard: "`10`"),
        ConfigurationKey(
            "settle", .time,
            "how long removals wait to be judged together, beyond the few that pass at once (at 3 addresses, or 2 %); at most 10s",
            standard: "`500ms`"),
        ConfigurationKey("window", .time, "at least 1s", standard: "`1m`"),
        ConfigurationKey(
            "holdFor", .time,
            "how long a healthy registry has to go on saying so before a held loss is believed; at least 1s",
            standard: "`5m`"),
        ConfigurationKey(
            "removedRegistries", .choice(["keep", "remove"]),
            "endpoints that only a registry announced which is not configured any more: kept until they are released, or removed",
            standard: "`keep`"),
    ]

    private static let limits: [ConfigurationKey] = [
        ConfigurationKey(
            "instancesPerService", .number(1...1_000_000), "instances of a service in one registry",
            standard: "`20000`"),
        ConfigurationKey("services", .number(1...1_000_000), "services of one registry", standard: "`100000`"),
        ConfigurationKey(
            "objects", .number(1...10_000_000), "ServiceEntries and WorkloadEntries together", standard: "`200000`"),
    ]

    private static let leadership: [ConfigurationKey] = [
        ConfigurationKey(
            "leaseDuration", .time, "how long a leader that is gone keeps others waiting", standard: "`15s`"),
        ConfigurationKey(
            "renewDeadline", .time, "how long a leader goes on that can't renew its lease", standard: "`10s`"),
        ConfigurationKey("retryPeriod", .time, "the pause between attempts", standard: "`2s`"),
    ]

    private static let admin: [ConfigurationKey] = [
        ConfigurationKey(
            "listen", .text,
            "`HOST:PORT`, IPv6 in brackets; `PORT` is on the loopback, `:PORT` on every address",
            standard: "`127.0.0.1:8080`"),
        ConfigurationKey(
            "tokenFile", .text, "a file with the token that `isthmus release` needs; read at each release",
            standard: "nothing can be released"),
        ConfigurationKey(
            "tokenEnv", .text, "instead of `tokenFile`, an environment variable with the token",
            standard: "nothing can be released"),
    ]
}
