internal import Translation

/// A key of the configuration: what it holds, and what people are told about it. One value of these drives the checking, the
/// suggestions in errors and the reference in `docs`.
struct ConfigurationKey: Sendable {
    indirect enum Kind: Sendable {
        case text
        case number(ClosedRange<Int>)
        /// `250ms`, `30s`, `5m`, `1h`, `1h30m`.
        case time
        /// `64MiB`, `512KiB`, or a plain number of bytes.
        case bytes(ClosedRange<Int>)
        case texts
        case mapping([ConfigurationKey])
        case list(of: [ConfigurationKey])
        /// Text that is one of these words.
        case choice([String])
        /// Text that is one of these words, or a mapping.
        case words([String], or: [ConfigurationKey])
    }

    var name: String
    var kind: Kind
    /// In Markdown.
    var summary: String
    /// What holds where the key is absent, in Markdown.
    var standard: String
    var isRequired = false

    init(_ name: String, _ kind: Kind, _ summary: String, standard: String = "", isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.standard = standard
        self.isRequired = isRequired
    }
}

extension ConfigurationKey {
    static let all: [ConfigurationKey] = [
        ConfigurationKey(
            "instance", .text, "this installation; becomes the label `isthmus.mesh/instance` of every object",
            standard: "`main`"),
        ConfigurationKey(
            "registries", .list(of: registry), "what to watch; of an endpoint in two the newer description counts",
            isRequired: true),
        ConfigurationKey("translation", .mapping(translation), "how services look in the mesh"),
        ConfigurationKey("delivery", .mapping(delivery), "where resources go", standard: "the cluster at hand"),
        ConfigurationKey(
            "guard", .mapping(removals), "which losses look like a failure of the registry and are held back"),
        ConfigurationKey(
            "leadership", .words(["off"], or: leadership),
            "which of several replicas writes to a cluster: a Lease in it, or `off` where there is only one"),
        ConfigurationKey(
            "admin", .mapping(admin), "where the running bridge tells of itself, for `isthmus status` and probes",
            standard: "nowhere"),
        ConfigurationKey(
            "state",
            .mapping([ConfigurationKey("path", .text, "a file; its folder is made when missing", isRequired: true)]),
            "what the bridge remembers over restarts where no cluster does",
            standard: "with a `directory` and no cluster `<directory>/.isthmus-<instance>.state`, else none"),
    ]

    private static let registry: [ConfigurationKey] = [
        ConfigurationKey("name", .text, "unique, without commas", isRequired: true),
        ConfigurationKey(
            "zookeeper", .mapping(zooKeeper), "a ZooKeeper ensemble in which Dubbo providers register", isRequired: true
        ),
    ]

    private static let zooKeeper: [ConfigurationKey] = [
        ConfigurationKey("servers", .texts, "each `HOST:PORT`; IPv6 in brackets", isRequired: true),
        ConfigurationKey("sessionTimeout", .time, "at least 1s; the ensemble may shorten it", standard: "`30s`"),
        ConfigurationKey(
            "replyLimit", .bytes(64 << 10...Int(Int32.max)),
            "the longest reply that is taken; a list of providers above it is passed over, and what was known of the "
                + "interface goes on",
            standard: "`64MiB`"),
        ConfigurationKey(
            "tls",
            .mapping([
                ConfigurationKey(
                    "caFile", .text, "the authorities that are trusted, in PEM", standard: "those of the system"),
                ConfigurationKey("certificateFile", .text, "what the bridge shows the server, in PEM"),
                ConfigurationKey("keyFile", .text, "the key of that, in PEM, without a passphrase"),
                ConfigurationKey(
                    "serverName", .text, "the name that the server's certificate has to have",
                    standard: "that of `servers`"),
                ConfigurationKey(
                    "verifyHostName", .choice(["on", "off"]),
                    "whether the certificate has to name the server; the authority is verified in any case",
                    standard: "`on`"),
            ]),
            "TLS, for a `secureClientPort`; `{}` trusts the system's authorities. Files are read again for each connection",
            standard: "no TLS"),
        ConfigurationKey(
            "digest",
            .mapping([
                ConfigurationKey("user", .text, "the name", isRequired: true),
                ConfigurationKey("passwordFile", .text, "a file with the password; read at the start"),
                ConfigurationKey("passwordEnv", .text, "instead of it, an environment variable with the password"),
            ]),
            "what the bridge proves itself with, for znodes that not everybody may read (the scheme `digest`)",
            standard: "nothing"),
        ConfigurationKey(
            "dubbo",
            .mapping([ConfigurationKey("root", .text, "the znode below which interfaces stand", standard: "`/dubbo`")]),
            "Dubbo's layout"),
    ]

    private static let translation: [ConfigurationKey] = [
        ConfigurationKey(
            "namespace", .text, "where the resources go", standard: "the namespace of the cluster's context"),
        ConfigurationKey(
            "addresses",
            .words(
                ["istiod", "none"],
                or: [ConfigurationKey("cidr", .text, "virtual addresses come from this block", isRequired: true)]),
            "virtual addresses: of a block, or allocated by istiod (1.25 and later), or none",
            standard: "`{ cidr: 240.16.0.0/12 }`"),
        ConfigurationKey("exportTo", .texts, "namespaces that see the services", standard: "the mesh's default"),
        ConfigurationKey(
            "ports",
            .mapping([
                ConfigurationKey("dubbo", .number(1...65535), "for `dubbo://`", standard: "`20880`"),
                ConfigurationKey("grpc", .number(1...65535), "for `grpc://`", standard: "`9090`"),
                ConfigurationKey("rest", .number(1...65535), "for `rest://`", standard: "`8080`"),
                ConfigurationKey("tri", .number(1...65535), "for `tri://`", standard: "`50051`"),
            ]),
            "the service's port for each protocol; all different"),
        ConfigurationKey(
            "labels",
            .mapping([
                ConfigurationKey(
                    "keep", .texts, "parameters of a provider that become labels of its endpoint",
                    standard: "`[version, dubbo.tag, region, zone]`")
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
                ConfigurationKey("bytes", .bytes(1 << 10...1 << 20), "how long their JSON is", standard: "`256KiB`"),
            ]),
            "with `endpoints: auto`, above it a service gets WorkloadEntries; below half of it, it gives them up again"),
        ConfigurationKey(
            "emptyRetention", .time, "how long a service that everyone left keeps its entry, without endpoints",
            standard: "`1h`"),
        ConfigurationKey(
            "allowedHosts", .texts, "hosts that a registry may take, with `*` at one end: `com.acme.*`",
            standard: "all but those of the cluster"),
        ConfigurationKey(
            "clusterDomain", .text, "hosts of this domain are never taken", standard: "`cluster.local`"),
    ]

    private static let removals: [ConfigurationKey] = [
        ConfigurationKey(
            "maxRemovalPercent", .number(0...100),
            "of a registry's instances, how many percent may be lost in the window, less what was gained",
            standard: "`15`"),
        ConfigurationKey(
            "minRemovals", .number(0...1_000_000), "how many may always be lost, however small the registry",
            standard: "`10`"),
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

    private static let leadership: [ConfigurationKey] = [
        ConfigurationKey(
            "leaseDuration", .time, "how long a leader that is gone keeps others waiting", standard: "`15s`"),
        ConfigurationKey(
            "renewDeadline", .time, "how long a leader goes on that can't renew its lease", standard: "`10s`"),
        ConfigurationKey("retryPeriod", .time, "the pause between attempts", standard: "`2s`"),
    ]

    private static let delivery: [ConfigurationKey] = [
        ConfigurationKey(
            "kubernetes",
            .list(of: [
                ConfigurationKey(
                    "kubeconfig", .text, "a file",
                    standard: "the pod's own cluster, else `$KUBECONFIG`, else `~/.kube/config`"
                ),
                ConfigurationKey("context", .text, "of the kubeconfig", standard: "its current one"),
            ]),
            "clusters to write to; with neither this nor `directory`, the cluster at hand"),
        ConfigurationKey(
            "directory", .mapping([ConfigurationKey("path", .text, "a folder; made when missing", isRequired: true)]),
            "one YAML file for each resource"),
        ConfigurationKey(
            "pacing", .choice(["on", "off"]),
            "whether objects of a cluster that keep changing together are written less often, every 5 s at the longest",
            standard: "`on`"),
    ]

    private static let admin: [ConfigurationKey] = [
        ConfigurationKey("listen", .text, "`HOST:PORT`; IPv6 in brackets", standard: "`127.0.0.1:8080`"),
        ConfigurationKey(
            "tokenFile", .text, "a file with the token that `isthmus release` needs; read at each release",
            standard: "nothing can be released"),
        ConfigurationKey(
            "tokenEnv", .text, "instead of `tokenFile`, an environment variable with the token",
            standard: "nothing can be released"),
    ]
}

// MARK: - The reference

extension ConfigurationKey {
    /// The table of all keys in Markdown, as `docs/configuration.md` has it.
    static var reference: String {
        "| key | holds | default | meaning |\n|---|---|---|---|\n" + rows(all, below: "").joined(separator: "\n") + "\n"
    }

    private static func rows(_ keys: [ConfigurationKey], below path: String) -> [String] {
        keys.flatMap { key -> [String] in
            let full = path + key.name
            let standard = key.isRequired ? "*needed*" : key.standard
            let row = "| `\(full)` | \(key.kind.description) | \(standard) | \(key.summary) |"
            switch key.kind {
            case .mapping(let inner), .words(_, let inner): return [row] + rows(inner, below: full + ".")
            case .list(let inner): return [row] + rows(inner, below: full + "[].")
            case .text, .number, .time, .bytes, .texts, .choice: return [row]
            }
        }
    }
}

extension ConfigurationKey.Kind: CustomStringConvertible {
    var description: String {
        switch self {
        case .text: "text"
        case .number(let range): "\(range.lowerBound)–\(range.upperBound)"
        case .time: "time"
        case .bytes(let range): "size, \(ByteCount.text(range.lowerBound))–\(ByteCount.text(range.upperBound))"
        case .texts: "list of texts"
        case .mapping: "mapping"
        case .list: "list of mappings"
        case .choice(let words):
            words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .words(let words, _): "\(words.joined(separator: ", ")) or a mapping"
        }
    }
}
