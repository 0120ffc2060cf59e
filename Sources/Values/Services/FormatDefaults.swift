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
    /// The number of a service's port, the same for every service. An instance may listen on another one.
    package var port: UInt16
    /// Whether a service of this protocol needs no label `p-<protocol>` in its host.
    package var isPlain: Bool

    package init(_ portProtocol: PortProtocol, scheme: String, port: UInt16, isPlain: Bool = false) {
        self.portProtocol = portProtocol
        self.scheme = scheme
        self.port = port
        self.isPlain = isPlain
    }
}

extension Sequence<FormatDefaults> {
    /// The protocols of all these formats. The first format that names a protocol decides about it.
    package var protocols: [ProtocolDefaults] {
        var known: Set<String> = []
        return flatMap(\.protocols).filter { known.insert($0.portProtocol.name).inserted }
    }

    /// The attributes that are worth a label in any of these formats, each once.
    package var labels: [String] {
        var known: Set<String> = []
        return flatMap(\.labels).filter { known.insert($0).inserted }
    }
}

/// Finds a protocol by the name under which an object or a file has it.
package struct ProtocolTable: Sendable {
    private let protocols: [String: PortProtocol]

    package init(_ protocols: some Sequence<PortProtocol>) {
        self.protocols = Dictionary(protocols.map { ($0.name, $0) }) { first, _ in first }
    }

    package subscript(name: String) -> PortProtocol? { protocols[name] }
}
