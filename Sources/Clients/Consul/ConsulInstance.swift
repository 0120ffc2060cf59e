internal import JSON

/// One instance of a service, with the state of its checks.
package struct ConsulInstance: Hashable, Sendable {
    /// The worst state of the checks of an instance and of its node.
    package enum Status: Hashable, Sendable {
        case passing
        case warning
        case critical
        /// An operator took it, or its node, out of service.
        case maintenance
    }

    /// An address by which an instance or a node can be reached besides its own.
    package struct TaggedAddress: Hashable, Sendable {
        /// Consul takes any text.
        package var address: String
        /// 0 for none.
        package var port: Int
    }

    /// One of several ports (1.22 and later).
    package struct NamedPort: Hashable, Sendable {
        package var name: String
        package var port: Int
        package var isDefault: Bool
    }

    package var id: String
    package var service: String
    package var node: String
    package var datacenter: String
    /// The kind of a proxy or a gateway; empty for a service.
    package var kind = ""
    /// The instance's own address or name; empty where it has that of its node.
    package var ownAddress = ""
    package var nodeAddress = ""
    /// 0 for none.
    package var port = 0
    package var ports: [NamedPort] = []
    package var taggedAddresses: [String: TaggedAddress] = [:]
    package var nodeTaggedAddresses: [String: String] = [:]
    /// Sorted.
    package var tags: [String] = []
    package var metadata: [String: String] = [:]
    package var nodeMetadata: [String: String] = [:]
    package var passingWeight: Int64 = 1
    package var warningWeight: Int64 = 1
    package var region = ""
    package var zone = ""
    package var status = Status.passing

    package init(id: String, service: String, node: String, datacenter: String = "") {
        self.id = id
        self.service = service
        self.node = node
        self.datacenter = datacenter
    }

    /// Where it can be reached.
    package var address: String { ownAddress.isEmpty ? nodeAddress : ownAddress }
}

extension ConsulInstance {
    /// Reads an element of an answer of `health/service`. Releases add members, and any may be `null`.
    ///
    /// - Returns: `nil` without a service and a node, which tell instances apart.
    init?(_ json: JSONValue) {
        guard let service = json["Service"], let node = json["Node"], let id = service["ID"]?.string,
            let name = service["Service"]?.string, let nodeName = node["Node"]?.string
        else { return nil }
        self.init(id: id, service: name, node: nodeName, datacenter: node["Datacenter"]?.string ?? "")
        kind = service["Kind"]?.string ?? ""
        ownAddress = service["Address"]?.string ?? ""
        nodeAddress = node["Address"]?.string ?? ""
        port = service["Port"]?.port ?? 0
        ports = (service["Ports"]?.array ?? []).compactMap(NamedPort.init)
        for member in service["TaggedAddresses"]?.object?.members ?? [] {
            guard let address = member.value["Address"]?.string else { continue }
            taggedAddresses[member.key] = TaggedAddress(address: address, port: member.value["Port"]?.port ?? 0)
        }
        nodeTaggedAddresses = node["TaggedAddresses"]?.strings ?? [:]
        tags = (service["Tags"]?.array ?? []).compactMap(\.string).sorted()
        metadata = service["Meta"]?.strings ?? [:]
        nodeMetadata = node["Meta"]?.strings ?? [:]
        passingWeight = service["Weights"]?["Passing"]?.integer ?? 1
        warningWeight = service["Weights"]?["Warning"]?.integer ?? 1
        let locality = service["Locality"]?.object == nil ? node["Locality"] : service["Locality"]
        region = locality?["Region"]?.string ?? ""
        zone = locality?["Zone"]?.string ?? ""
        status = Status(checks: json["Checks"]?.array ?? [])
    }
}

extension ConsulInstance.Status {
    /// As Consul's own library sums up checks (`AggregatedStatus`). An instance without checks is passing. A state that
    /// is unknown counts as critical.
    init(checks: [JSONValue]) {
        var worst = ConsulInstance.Status.passing
        for check in checks {
            let id = check["CheckID"]?.string ?? ""
            if id == "_node_maintenance" || id.hasPrefix("_service_maintenance:") {
                worst = .maintenance
                break
            }
            switch check["Status"]?.string {
            case "passing": break
            case "warning": if worst == .passing { worst = .warning }
            default: worst = .critical
            }
        }
        self = worst
    }
}

extension ConsulInstance.NamedPort {
    /// Reads an entry whose members may be in lower or in upper case.
    fileprivate init?(_ json: JSONValue) {
        guard let port = (json["Port"] ?? json["port"])?.port, port > 0 else { return nil }
        let name = (json["Name"] ?? json["name"])?.string ?? ""
        self.init(name: name, port: port, isDefault: (json["Default"] ?? json["default"])?.bool ?? false)
    }
}

extension JSONValue {
    fileprivate var port: Int? { integer.flatMap { Int(exactly: $0) } }
}
