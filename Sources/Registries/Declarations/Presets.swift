internal import IstioAPI
package import Services

extension PortProtocol {
    package static let motan = PortProtocol("motan", .tcp)
    package static let bolt = PortProtocol("bolt", .tcp)
    package static let thrift = PortProtocol("thrift", .tcp)
}

extension FormatDefaults {
    /// The protocols that declared registrations may name, and that no other format has.
    package static let declared = FormatDefaults(
        protocols: [
            ProtocolDefaults(.motan, scheme: "motan", port: 8002),
            ProtocolDefaults(.bolt, scheme: "bolt", port: 12200),
            ProtocolDefaults(.thrift, scheme: "thrift", port: 9090),
        ],
        weight: 1, labels: ["version", "region", "zone"])
}

/// The conventions that libraries have. `Tests/Fixtures/conventions` has registrations of each.
extension Declaration {
    package static let presets = [
        goZero, etcdEndpoints, kratos, kitex, kitexZooKeeper, goMicro, skyDNS, serversets, nerve, curator,
        springCloudZooKeeper, motan, sofaRPC,
    ]

    /// go-zero's zrpc: `user.rpc/7587870460981677828` is `10.0.0.1:8080`.
    static let goZero = Declaration(name: "go-zero", root: "", key: "{service...}/{id}") {
        $0.address = "value"
        $0.standardProtocol = .grpc
    }

    /// `naming/endpoints` of etcd's own client, for grpc-go.
    static let etcdEndpoints = Declaration(name: "etcd-endpoints", root: "", key: "{service...}/{id}") {
        $0.value = [.json]
        $0.address = "Addr"
        $0.standardProtocol = .grpc
        $0.labelMaps = ["Metadata"]
        $0.version = "Metadata.version"
    }

    /// go-kratos, in etcd and in ZooKeeper.
    static let kratos = Declaration(name: "kratos", root: "/microservices", key: "/{service}/{id...}") {
        $0.value = [.json]
        $0.endpoints = "endpoints[] | url"
        $0.service = "value.name"
        $0.address = "host"
        $0.port = "port"
        $0.protocolField = "scheme"
        $0.tls = "query.isSecure"
        $0.weight = "value.metadata.weight"
        $0.standardWeight = 100
        $0.version = "value.version"
        $0.labelMaps = ["value.metadata"]
    }

    static let kitex = Declaration(name: "kitex", root: "kitex/registry-etcd", key: "/{service}/{id...}") {
        $0.value = [.json]
        $0.conditions = ["network = tcp"]
        $0.weight = "weight"
        $0.standardWeight = 10
        $0.zeroWeight = .standard
        $0.standardProtocol = .thrift
        $0.labelMaps = ["tags"]
        $0.version = "tags.version"
    }

    /// Its services stand directly under `/`.
    static let kitexZooKeeper = Declaration(name: "kitex-zookeeper", root: "", key: "/{service}/{address}") {
        $0.value = [.json]
        $0.address = "key.address"
        $0.weight = "Weight"
        $0.standardWeight = 10
        $0.zeroWeight = .standard
        $0.standardProtocol = .thrift
        $0.labelMaps = ["Tags"]
        $0.version = "Tags.version"
    }

    static let goMicro = Declaration(name: "go-micro", root: "/micro/registry", key: "/{service}/{id}") {
        $0.value = [.json]
        $0.endpoints = "nodes[]"
        $0.service = "value.name"
        $0.protocolField = "metadata.protocol"
        $0.protocols = ["mucp": .tcp]
        $0.standardProtocol = .grpc
        $0.version = "value.version"
        $0.labelMaps = ["metadata"]
    }

    /// SkyDNS and CoreDNS' plug-in `etcd`.
    static let skyDNS = Declaration(name: "skydns", root: "/skydns", key: "/{service...|reversed}/{id}") {
        $0.value = [.json]
        $0.address = "host"
        $0.port = "port"
        $0.conditions = ["host", "mail != true"]
        $0.weight = "weight"
        $0.standardWeight = 100
        $0.zeroWeight = .standard
    }

    /// Twitter's serversets, of Finagle and Aurora.
    static let serversets = Declaration(name: "serversets", root: "", key: "{service...}/member_{id}") {
        $0.value = [.json]
        $0.address = "serviceEndpoint.host"
        $0.port = "serviceEndpoint.port"
        $0.enabled = ["status = ALIVE"]
        $0.standardProtocol = .http
        $0.labelMaps = ["metadata"]
        $0.labels = [Named("shard", "shard")]
        $0.version = "metadata.version"
    }

    /// Airbnb's SmartStack.
    static let nerve = Declaration(name: "nerve", root: "/nerve/services", key: "/{service}/services/{id}") {
        $0.value = [.json]
        $0.address = "host"
        $0.port = "port"
        $0.weight = "weight"
        $0.standardProtocol = .http
        $0.labelMaps = ["labels"]
    }

    /// Curator's service discovery.
    static let curator = Declaration(name: "curator", root: "/discovery", key: "/{service}/{id}") {
        $0.value = [.json]
        $0.port = "port"
        $0.tlsPort = "sslPort"
        $0.standardProtocol = .http
        $0.version = "payload.version"
        $0.labelMaps = ["payload"]
    }

    static let springCloudZooKeeper = Declaration(
        name: "spring-cloud-zookeeper", root: "/services", key: "/{service}/{id}"
    ) {
        $0.value = [.json]
        $0.port = "port"
        $0.tlsPort = "sslPort"
        $0.standardProtocol = .http
        $0.enabled = ["payload.metadata.instance_status ?= UP"]
        $0.version = "payload.metadata.version"
        $0.labelMaps = ["payload.metadata"]
    }

    /// Weibo's Motan.
    static let motan = Declaration(name: "motan", root: "/motan", key: "/{group}/{service}/server/{id}") {
        $0.value = [.javaString, .url]
        $0.address = "host"
        $0.port = "port"
        $0.protocolField = "scheme"
        $0.protocols = ["motan2": .motan]
        $0.weight = "query.weight"
        $0.application = "query.application"
        $0.labelMaps = ["query"]
        $0.qualifiers = [
            Named(ServiceID.Key.group, "key.group"), Named(ServiceID.Key.version, "query.version"),
        ]
        $0.standardQualifiers = [ServiceID.Key.group: "default_rpc", ServiceID.Key.version: "1.0"]
    }

    /// Ant's SOFARPC. Everything stands in the name of a znode.
    static let sofaRPC = Declaration(
        name: "sofa-rpc", root: "/sofa-rpc", key: "/{service}/providers/{provider|percent|url}"
    ) {
        $0.address = "key.provider.host"
        $0.port = "key.provider.port"
        $0.protocolField = "key.provider.scheme"
        $0.protocols = ["h2c": .http2]
        $0.weight = "key.provider.query.weight"
        $0.standardWeight = 100
        $0.application = "key.provider.query.appName"
        $0.labelMaps = ["key.provider.query"]
        $0.qualifiers = [Named("uniqueid", "key.provider.query.uniqueId")]
    }

    private init(name: String, root: String, key: KeyTemplate, _ complete: (inout Declaration) -> Void) {
        self.init(name: name, root: root, key: key)
        complete(&self)
    }
}
