internal import Conventions
internal import Eureka
internal import Services
internal import Sources

/// Reads the instances of Eureka that serve one name. Eureka's words become the catalog's.
struct EurekaDecoder: Sendable {
    /// What names a service of the mesh.
    enum Naming: String, Sendable, CaseIterable {
        case application, vip
    }

    let naming: Naming
    private let policy: ConventionPolicy
    private let applications: ConventionDecoder

    init(naming: Naming, policy: ConventionPolicy, keptAttributes: [String], hosts: HostRules) {
        self.naming = naming
        self.policy = policy
        applications = ConventionDecoder(policy: policy, keptAttributes: keptAttributes, hosts: hosts)
    }

    /// The names that an instance serves, in lower case: clients write applications in upper case.
    func names(of instance: EurekaInstance) -> Set<String> {
        switch naming {
        case .application: [instance.key.application.lowercased()]
        case .vip:
            Set(Self.names(in: instance.vipAddress)).union(
                instance.securePort == nil ? [] : Self.names(in: instance.secureVIPAddress))
        }
    }

    private static func names(in list: String) -> [String] {
        list.lowercased().split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }.filter { !$0.isEmpty }
    }

    func decode(_ name: String, _ instances: some Sequence<EurekaInstance>) -> RegistrationReading {
        var reading = RegistrationReading()
        for instance in instances {
            let metadata = metadata(of: instance)
            let servesPlain = naming == .application || Self.names(in: instance.vipAddress).contains(name)
            let secureVIP =
                instance.secureVIPAddress.isEmpty ? instance.vipAddress : instance.secureVIPAddress
            let servesSecure = naming == .application || Self.names(in: secureVIP).contains(name)
            if let port = instance.port, servesPlain { add(name, instance, port, metadata, &reading) }
            if let port = instance.securePort, servesSecure, port != instance.port || !servesPlain {
                var metadata = metadata
                metadata["secure"] = "true"
                metadata[policy.protocolKey] = nil
                // They are told of beside the plain port.
                if instance.port != nil {
                    metadata["gRPC_port"] = nil
                    metadata["gRPC.port"] = nil
                }
                add(name, instance, port, metadata, &reading)
            }
            if instance.port == nil, instance.securePort == nil {
                reading.unusable.append(.init(address: instance.host, reason: "none of its ports is enabled"))
            }
        }
        return reading
    }

    private func add(
        _ name: String, _ instance: EurekaInstance, _ port: Int, _ metadata: [String: String],
        _ reading: inout RegistrationReading
    ) {
        let registration = Registration(
            service: name, host: instance.host, port: port,
            weight: metadata["weight"].flatMap(Double.init) ?? 1, isEnabled: instance.status != .outOfService,
            isHealthy: instance.status == .up || instance.status == .outOfService, metadata: metadata)
        switch applications.decode(registration) {
        case .served(let served):
            for served in served {
                let id = ServiceID(name: served.name, protocol: served.portProtocol)
                let key = InstanceKey("\(instance.key.application)\n\(instance.key.id)\n\(port)")
                reading.services[id, default: [:]][key] = served.instance
            }
        case .ignored: break
        case .unusable(let reason), .otherProtocol(_, let reason):
            reading.unusable.append(.init(address: "\(instance.host):\(port)", reason: reason))
        }
    }

    /// The instance's own metadata and where it is.
    private func metadata(of instance: EurekaInstance) -> [String: String] {
        var metadata = instance.metadata
        // Spring always states it, mostly as the application's own port.
        metadata["management.port"] = nil
        let zone = instance.availabilityZone
        if !zone.isEmpty {
            if metadata["zone"] == nil { metadata["zone"] = zone }
            if metadata["region"] == nil, zone.last?.isLetter == true, zone.dropLast().last?.isNumber == true {
                metadata["region"] = String(zone.dropLast())
            }
        }
        return metadata
    }
}

extension EurekaInstance {
    /// Its address; its host name where it has none.
    fileprivate var host: String {
        address.isEmpty ? hostName : address
    }
}
