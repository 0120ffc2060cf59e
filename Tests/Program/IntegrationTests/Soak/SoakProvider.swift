internal import JSON

/// A service of the soak, and what it is called in the mesh.
struct SoakService: Sendable, Hashable {
    var interface: String
    var group = ""
    var version = ""

    /// Dubbo's service key, by which each object says whose it is.
    var key: String { (group.isEmpty ? "" : group + "/") + interface + (version.isEmpty ? "" : ":" + version) }

    /// The name of its object, which is the host without the domain.
    func objectName(_ applicationProtocol: String) -> String {
        interface.lowercased() + (group.isEmpty ? "" : ".g-" + group)
            + (version.isEmpty ? "" : ".v-" + version.split(separator: ".").joined(separator: "-"))
            + (applicationProtocol == "dubbo" ? "" : ".p-" + applicationProtocol)
    }

    var providersPath: String { "/dubbo/\(interface)/providers" }
}

/// What one object stands for: a protocol of a service.
struct SoakLine: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The service's key.
    var service: String
    var `protocol`: String

    var description: String { "\(service) (\(self.protocol))" }

    static func < (left: SoakLine, right: SoakLine) -> Bool {
        (left.service, left.protocol) < (right.service, right.protocol)
    }
}

/// A provider as it registers, and the endpoint that has to come of it: worked out here once more, without the bridge's
/// code.
struct SoakProvider: Sendable, Hashable {
    static let portNames = ["dubbo": "tcp-dubbo", "tri": "grpc-tri"]
    static let ports: [String: JSONValue] = [
        "dubbo": [["name": "tcp-dubbo", "number": 20880, "protocol": "TCP"]],
        "tri": [["name": "grpc-tri", "number": 50051, "protocol": "GRPC"]],
    ]

    var service: SoakService
    var `protocol`: String
    var address: String
    var port: Int
    var application: String
    var weight = 100
    var isDisabled = false
    /// Such as `region`, `zone` and `dubbo.tag`.
    var labels: [String: String] = [:]
    /// Unique, so that no znode's name is ever used twice and the newest registration of an endpoint is known.
    var timestamp: Int

    var line: SoakLine { SoakLine(service: service.key, protocol: self.protocol) }
    var endpoint: String { "\(address):\(port)" }
    var wantsTraffic: Bool { weight > 0 && !isDisabled }
    var path: String { service.providersPath + "/" + Scene.encoded(url) }

    var url: String {
        var parameters = [
            "application": application, "interface": service.interface, "timestamp": "\(1_700_000_000_000 + timestamp)",
            "side": "provider", "pid": "\(timestamp)", "anyhost": "true",
        ]
        if !service.group.isEmpty { parameters["group"] = service.group }
        if !service.version.isEmpty { parameters["version"] = service.version }
        if weight != 100 { parameters["weight"] = "\(weight)" }
        if isDisabled { parameters["disabled"] = "true" }
        parameters.merge(labels) { $1 }
        let query = parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        return "\(self.protocol)://\(endpoint)/\(service.interface)?\(query)"
    }

    /// - Parameter hasWeights: Whether a provider of the same line has a weight of its own.
    func inMesh(hasWeights: Bool) -> JSONValue {
        var kept = labels
        kept["service.istio.io/canonical-name"] = application
        if !service.version.isEmpty { kept["version"] = service.version }
        var endpoint: JSONObject = JSONObject()
        endpoint["address"] = .string(address)
        endpoint["ports"] = .object(
            JSONObject([(key: Self.portNames[self.protocol] ?? "", value: .integer(Int64(port)))]))
        endpoint["labels"] = JSONValue(strings: kept)
        if let region = labels["region"] {
            endpoint["locality"] = .string(labels["zone"].map { region + "/" + $0 } ?? region)
        }
        if hasWeights { endpoint["weight"] = .integer(Int64(weight)) }
        return .object(endpoint)
    }
}
