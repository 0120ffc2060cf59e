/// The defaults of a format of registrations, for what neither a registration nor the configuration says.
package struct FormatDefaults: Hashable, Sendable {
    /// The protocols that a registration can name, in the order in which people are told of them.
    package var protocols: [ProtocolDefaults]
    /// The weight of an instance that names none.
    package var weight: UInt32
    /// The attributes of an instance that are worth a label of its endpoint.
    package var labels: [String]
    /// The qualifiers that a service has when a registration names none, by key.
    package var qualifiers: [String: String]

    package init(
        protocols: [ProtocolDefaults], weight: UInt32, labels: [String], qualifiers: [String: String] = [:]
    ) {
        self.protocols = protocols
        self.weight = weight
        self.labels = labels
        self.qualifiers = qualifiers
    }

    /// The value of a qualifier, empty where the registration only repeats the default.
    package func qualifier(_ key: String, _ value: String?) -> String {
        guard let value, value != qualifiers[key] else { return "" }
        return value
    }

    /// The protocol of a URL.
    /// - Parameter scheme: In lower case.
    package func portProtocol(scheme: String) -> PortProtocol? {
        protocols.first { $0.scheme == scheme }?.portProtocol
    }

    /// A weight of this format as `Instance.weight` has it: 100 × weight ÷ the format's default. Only 0 becomes 0.
    package func relativeWeight(_ weight: Double) -> UInt32 {
        guard weight > 0 else { return 0 }
        let relative = (Double(Instance.defaultWeight) * weight / Double(self.weight)).rounded()
        return relative < Double(UInt32.max) ? max(UInt32(relative), 1) : .max
    }
}

/// The defaults of a format for one of its protocols.
package struct ProtocolDefaults: Hashable, Sendable {
    package var portProtocol: PortProtocol
    /// The scheme of URLs that stand for it, in lower case.
    package var scheme: String
    /// The number of a service's port, the same for every service. An instance may listen on another one. `nil` where a
    /// service has the port of its first instances.
    package var port: UInt16?
    /// Whether the host of a service has no label `p-<protocol>` for it.
    package var isPlain: Bool

    package init(_ portProtocol: PortProtocol, scheme: String, port: UInt16?, isPlain: Bool = false) {
        self.portProtocol = portProtocol
        self.scheme = scheme
        self.port = port
        self.isPlain = isPlain
    }
}

extension ProtocolDefaults {
    /// The protocols that Istio knows. A format that says no more of one of them need not repeat it.
    package static let standard = [
        ProtocolDefaults(.http, scheme: "http", port: 80, isPlain: true),
        ProtocolDefaults(.http2, scheme: "http2", port: 80),
        ProtocolDefaults(.https, scheme: "https", port: 443),
        ProtocolDefaults(.grpc, scheme: "grpc", port: 50051),
        ProtocolDefaults(.tls, scheme: "tls", port: 443),
        ProtocolDefaults(.mongo, scheme: "mongo", port: 27017),
        ProtocolDefaults(.mysql, scheme: "mysql", port: 3306),
        ProtocolDefaults(.redis, scheme: "redis", port: 6379),
        ProtocolDefaults(.tcp, scheme: "tcp", port: nil),
    ]
}

extension Sequence<FormatDefaults> {
    /// The protocols of all these formats, and those that Istio knows. The first format that names a protocol decides
    /// about it.
    package var protocols: [ProtocolDefaults] {
        var known: Set<String> = []
        return (flatMap(\.protocols) + ProtocolDefaults.standard).filter { known.insert($0.portProtocol.name).inserted }
    }

    /// The attributes that are worth a label in any of these formats, each once.
    package var labels: [String] {
        var known: Set<String> = []
        return flatMap(\.labels).filter { known.insert($0).inserted }
    }
}
