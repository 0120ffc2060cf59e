/// A key of the configuration: what it holds, and what people are told about it. One value of these drives the checking, the
/// suggestions in errors and the reference in `docs`.
struct ConfigurationKey: Sendable {
    indirect enum Kind: Sendable {
        case text
        case number(ClosedRange<Int>)
        /// `250ms`, `30s`, `5m`, `1h`, `1h30m`.
        case time
        case texts
        case mapping([ConfigurationKey])
        case list(of: [ConfigurationKey])
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
            "registries", .list(of: registry), "what to watch; the first one wins a disagreement", isRequired: true),
        ConfigurationKey("translation", .mapping(translation), "how services look in the mesh"),
        ConfigurationKey("delivery", .mapping(delivery), "where resources go", standard: "the cluster at hand"),
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
            "emptyRetention", .time, "how long a service that everyone left keeps its entry, with `endpoints: []`",
            standard: "`1h`"),
        ConfigurationKey(
            "allowedHosts", .texts, "hosts that a registry may take, with `*` at one end: `com.acme.*`",
            standard: "all but those of the cluster"),
        ConfigurationKey(
            "clusterDomain", .text, "hosts of this domain are never taken", standard: "`cluster.local`"),
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
            case .text, .number, .time, .texts: return [row]
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
        case .texts: "list of texts"
        case .mapping: "mapping"
        case .list: "list of mappings"
        case .words(let words, _): "\(words.joined(separator: ", ")) or a mapping"
        }
    }
}
