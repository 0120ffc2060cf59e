internal import JSON

/// A `ServiceInfo` as it stands in an answer, with the server's time.
struct ServiceRecord {
    var info: ServiceInfo
    /// When the server built the answer, by its own clock; 0 where it doesn't say so.
    var builtAt: Int64
}

extension ServiceRecord {
    /// Reads `serviceInfo` of an answer or a push, or the whole answer of `ns/instance/list`.
    ///
    /// - Parameter key: The service that was asked for; `nil` for a push, which names it.
    /// - Returns: `nil` where the answer has no list of instances, or names no service. Such an answer says nothing.
    init?(_ json: JSONValue, of key: ServiceKey? = nil) {
        guard let hosts = json["hosts"]?.array, let key = key ?? Self.key(of: json) else { return nil }
        let instances = hosts.compactMap { NacosInstance($0) }
        info = ServiceInfo(
            key: key, instances: instances,
            reachesProtectionThreshold: json["reachProtectionThreshold"]?.bool ?? false,
            unreadableInstances: hosts.count - instances.count)
        builtAt = json["lastRefTime"]?.integer ?? 0
    }

    /// gRPC answers name group and service apart, HTTP answers as `group@@name`.
    private static func key(of json: JSONValue) -> ServiceKey? {
        guard let name = json["name"]?.string else { return nil }
        return ServiceKey(groupedName: name, defaultGroup: json["groupName"]?.string ?? ServiceKey.defaultGroup)
    }
}

extension NacosInstance {
    /// - Returns: `nil` without an address or a port from 0 to 65,535.
    init?(_ json: JSONValue) {
        guard let ip = json["ip"]?.string, !ip.isEmpty, let port = json["port"]?.integer, (0...65_535).contains(port)
        else { return nil }
        self.init(
            ip: ip, port: Int(port), cluster: json["clusterName"]?.string ?? Self.defaultCluster,
            weight: json["weight"]?.number ?? 1, isHealthy: json["healthy"]?.bool ?? true,
            isEnabled: json["enabled"]?.bool ?? true, isEphemeral: json["ephemeral"]?.bool ?? true,
            metadata: json["metadata"]?.strings ?? [:])
    }
}

extension JSONValue {
    /// The value of a number with or without a fraction.
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
