internal import IstioAPI
package import Services

/// Reads instances that frameworks register by application: Spring Cloud, go-kratos, and any other that names a
/// protocol or has the registry's default.
package struct ConventionDecoder: Sendable {
    /// One service that an instance serves.
    package struct Served: Hashable, Sendable {
        package var name: String
        package var portProtocol: PortProtocol
        package var instance: Instance
    }

    /// The meaning of one registration.
    package enum Outcome: Hashable, Sendable {
        /// One for each port that serves consumers.
        case served([Served])
        /// It serves no consumer.
        case ignored
        case unusable(reason: String)
        /// It speaks a protocol that is not carried.
        case otherProtocol(String, reason: String)
    }

    private let policy: ConventionPolicy
    private let hosts: HostRules
    private let traits: TraitsCache
    private let weights: FormatDefaults
    private let kratosWeights = FormatDefaults.applications(weight: Kratos.weight)

    /// - Parameter keptAttributes: The keys of metadata that become attributes of an instance. All others are dropped.
    package init(policy: ConventionPolicy, keptAttributes: [String], hosts: HostRules = HostRules()) {
        self.policy = policy
        self.hosts = hosts
        traits = TraitsCache(attributeKeys: keptAttributes.sorted())
        weights = .applications(weight: policy.standardWeight)
    }

    /// The names of the services that instances under a name of the registry may serve.
    package static func names(of service: String) -> [String] {
        [service] + (Kratos.application(of: service).map { [$0] } ?? [])
    }

    package func decode(_ registration: Registration) -> Outcome {
        let metadata = registration.metadata
        guard let port = UInt16(exactly: registration.port), port > 0 else {
            return .unusable(reason: "'\(registration.port)' is not a port from 1 to 65535")
        }
        if SpringCloud.isManagement(port: port, metadata) { return .ignored }
        let host: InstanceHost
        do throws(UnreachableHost) {
            host = try hosts.host(registration.host)
        } catch {
            return .unusable(reason: error.reason)
        }
        let kratos = Kratos.server(of: registration.service, kind: metadata["kind"])
        let portProtocol: PortProtocol
        if let kratos {
            portProtocol = kratos.portProtocol
        } else if let named = metadata[policy.protocolKey], !named.isEmpty {
            guard let known = self.known(named) else { return unknown(named) }
            portProtocol = known
        } else {
            portProtocol = SpringCloud.portProtocol(metadata) ?? policy.standardProtocol
        }
        let name = kratos?.application ?? registration.service
        let weight = (kratos == nil ? weights : kratosWeights).relativeWeight(registration.weight)
        let instance = Instance(
            host: host, port: port, weight: weight, isEnabled: registration.isEnabled && weight > 0,
            isHealthy: registration.isHealthy,
            traits: traits.traits(application: name) { key in metadata[key].flatMap { $0.isEmpty ? nil : $0 } })
        var served = [Served(name: name, portProtocol: portProtocol, instance: instance)]
        if portProtocol != .grpc, let other = SpringCloud.portOfGRPC(metadata) {
            var instance = instance
            instance.port = other
            served.append(Served(name: name, portProtocol: .grpc, instance: instance))
        }
        return .served(served)
    }

    private func known(_ text: String) -> PortProtocol? {
        let scheme = text.lowercased()
        if scheme == "h2c" { return .http2 }
        return policy.protocols.first { $0.scheme == scheme }?.portProtocol
    }

    private func unknown(_ text: String) -> Outcome {
        let known = policy.protocols.map(\.scheme).joined(separator: ", ")
        return .otherProtocol(
            String(text.prefix(40)),
            reason: "the protocol '\(text.prefix(40))' in its metadata '\(policy.protocolKey)' is none of \(known)")
    }
}
