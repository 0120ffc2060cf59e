internal import Addressing
package import IstioAPI
internal import JSON
package import Services

/// Labels and annotations by which Isthmus knows its objects.
package enum OwnerMark {
    package static let managedBy = "app.kubernetes.io/managed-by"
    package static let manager = "isthmus"
    package static let prefix = "isthmus.mesh/"
    package static let instance = prefix + "instance"
    package static let registries = prefix + "registries"
    /// Which registries announce which endpoints, where not all of them announce one. A WorkloadEntry says it by
    /// `registries`.
    package static let announcers = prefix + "announcers"
    package static let service = prefix + "service"
    /// On objects of earlier releases, whose services named no protocol.
    package static let `protocol` = prefix + "protocol"
}

/// Translates services into Istio resources. It is a pure function of services and assignments: the same input gives
/// the same resources to the byte.
package struct Translator: Sendable {
    package struct Outcome: Sendable, Hashable {
        /// `nil` for a service that isn't known to the mesh, or keeps its last good resource.
        package var resource: ServiceEntry?
        /// Why the service can't be carried into the mesh.
        package var problem: String?
        /// The service that has the host.
        package var hostHolder: ServiceID?

        package init(resource: ServiceEntry? = nil, problem: String? = nil, hostHolder: ServiceID? = nil) {
            self.resource = resource
            self.problem = problem
            self.hostHolder = hostHolder
        }
    }

    package let policy: TranslationPolicy
    private let parts: EndpointParts
    /// All objects share these labels.
    private let labels: [String: String]
    private let protocols: [String: PortProtocol]
    /// The ports that all services of a protocol share.
    private let numberedPorts: [PortProtocol: ServiceEntry.Port]

    /// The label that names an endpoint's application.
    package static let applicationLabel = WorkloadEntry.canonicalNameLabel

    /// The largest weight of an inline endpoint. The sum for 4,096 endpoints stays below Envoy's limit, 2³² − 1.
    static let maximumWeight: UInt32 = 1_000_000

    /// The largest weight of a WorkloadEntry. The sum for 400,000 of them stays below the same limit.
    static let maximumWorkloadWeight: UInt32 = 10_000

    package init(policy: TranslationPolicy) {
        self.policy = policy
        parts = EndpointParts(keptLabels: policy.keptLabels)
        labels = [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance]
        protocols = Dictionary(uniqueKeysWithValues: policy.protocols.map { ($0.name, $0) })
        numberedPorts = Dictionary(uniqueKeysWithValues: policy.ports.map { ($0, Self.port($0, $1)) })
    }

    /// `nil` where no registry has services of that protocol.
    package func portProtocol(of id: ServiceID) -> PortProtocol? { protocols[id.protocol] }

    /// - Parameter now: Monotonic. It dates the moment when a service lost its last instance; resources don't show it.
    package func translate(_ service: Service, _ assignments: inout Assignments, now: Duration) -> Outcome {
        let id = service.id
        let name = assignments[id]?.objectName ?? policy.hosts.objectName(of: id)
        // An object from before the refusal goes like any other one, when the service has no instances any more.
        let isLeft = service.instances.isEmpty && assignments[id] != nil
        if !isLeft, let refusal = policy.refusal(ofHost: policy.hosts.host(ofObject: name)) {
            return Outcome(problem: service.instances.isEmpty ? nil : refusal)
        }
        guard let assignment = assignments.update(service, named: name, policy: policy, now: now) else {
            return outcome(of: service, contending: name, assignments)
        }
        if case .block(let block) = policy.addresses, assignment.address == nil {
            return Outcome(
                problem: "there is no free virtual address left in \(block); give addresses.cidr a larger block")
        }
        let instances = service.instances.filter(\.wantsTraffic)
        guard let portProtocol = protocols[id.protocol],
            let ports = ports(of: id, portProtocol, instances, &assignments)
        else { return Outcome(problem: "no registry of this release has services of the protocol '\(id.protocol)'") }
        var resource = resource(id, instances, portProtocol, ports, assignment)
        let form = policy.form(of: resource, after: assignment.form)
        if form != assignment.form { assignments.setForm(form, of: id) }
        annotate(&resource, with: service.announcers, of: instances)
        if form == .workloadEntry { selectWorkloads(&resource) }
        let violations = resource.violations
        if violations.isEmpty { return Outcome(resource: resource) }
        return Outcome(problem: violations.prefix(3).map(\.description).joined(separator: "; "))
    }

    /// Of a service without an assignment: nobody serves it, or another service has its host.
    private func outcome(of service: Service, contending name: String, _ assignments: Assignments) -> Outcome {
        guard let holder = assignments.service(ofObject: name), holder != service.id,
            service.instances.contains(where: \.wantsTraffic)
        else { return Outcome() }
        return Outcome(
            problem:
                "the service \(holder) has the host '\(policy.hosts.host(ofObject: name))', which is not delivered "
                + "twice; give one of the two another name", hostHolder: holder)
    }

    private func ports(
        of id: ServiceID, _ portProtocol: PortProtocol, _ instances: [Instance], _ assignments: inout Assignments
    ) -> [ServiceEntry.Port]? {
        if let known = numberedPorts[portProtocol] { return [known] }
        let number = assignments.choosePort(of: id) { instances.commonestPort }
        return number.map { [Self.port(portProtocol, $0)] }
    }

    private static func port(_ portProtocol: PortProtocol, _ number: UInt16) -> ServiceEntry.Port {
        ServiceEntry.Port(number: number, name: portProtocol.portName, protocol: portProtocol.istioProtocol.rawValue)
    }

    private func resource(
        _ id: ServiceID, _ instances: [Instance], _ portProtocol: PortProtocol, _ ports: [ServiceEntry.Port],
        _ assignment: Assignments.Assignment
    ) -> ServiceEntry {
        let hasWeights = instances.contains { $0.weight != Instance.defaultWeight }
        let portName = portProtocol.portName
        return ServiceEntry(
            key: ResourceKey(namespace: policy.namespace, name: assignment.objectName),
            labels: labels,
            annotations: [
                OwnerMark.registries: assignment.registries.joined(separator: ","),
                OwnerMark.service: id.description,
            ],
            hosts: [policy.hosts.host(ofObject: assignment.objectName)],
            addresses: addresses(of: assignment),
            ports: ports,
            resolution: assignment.resolution.istio,
            endpoints: instances.map { endpoint($0, portName, withWeight: hasWeights) },
            exportTo: policy.mesh == .ambient ? [] : policy.exportTo)
    }

    /// Says which registries announce which endpoints. Where that takes too much room, a removal waits for all of them.
    private func annotate(
        _ entry: inout ServiceEntry, with announcers: EndpointAnnouncers, of instances: [Instance]
    ) {
        if announcers.isEmpty { return }
        for (index, instance) in instances.enumerated() {
            guard let names = announcers[instance.endpoint] else { continue }
            entry.endpoints[index].annotations = [OwnerMark.registries: names.joined(separator: ",")]
        }
        var named = announcers
        named.keep(Set(instances.lazy.map(\.endpoint)))
        let text = JSONValue(strings: named.groups).bytes
        if named.isEmpty || text.count > Self.maximumAnnouncerBytes { return }
        entry.annotations[OwnerMark.announcers] = String(decoding: text, as: UTF8.self)
    }

    /// The API server takes 256 KiB of annotations.
    private static let maximumAnnouncerBytes = 64 << 10

    /// Every WorkloadEntry has a weight, so that the first unusual weight changes one object only.
    private func selectWorkloads(_ entry: inout ServiceEntry) {
        entry.workloadSelector = ServiceEntry.selector(forEntry: entry.key.name)
        entry.annotations[OwnerMark.announcers] = nil
        for index in entry.endpoints.indices {
            let weight = entry.endpoints[index].weight ?? Instance.defaultWeight
            entry.endpoints[index].weight = min(weight, Self.maximumWorkloadWeight)
        }
    }

    private func addresses(of assignment: Assignments.Assignment) -> [String] {
        guard case .block = policy.addresses else { return [] }
        return assignment.address.map { ["\($0)"] } ?? []
    }

    private func endpoint(_ instance: Instance, _ portName: String, withWeight: Bool) -> ServiceEntry.Endpoint {
        let description = parts.description(of: instance.traits)
        return ServiceEntry.Endpoint(
            address: "\(instance.host)",
            ports: parts.ports(portName, instance.port),
            labels: description.labels,
            locality: description.locality,
            weight: withWeight ? min(instance.weight, Self.maximumWeight) : nil)
    }

    /// `region/zone/subzone`, up to the first part that is unknown.
    static func localityText(_ locality: Locality) -> String {
        var parts: [String] = []
        for part in [locality.region, locality.zone, locality.subzone] {
            guard let value = labelValue(part) else { break }
            parts.append(value)
        }
        return parts.joined(separator: "/")
    }

    /// The valid label value that is most like the text; `nil` when nothing of the text is left.
    static func labelValue(_ text: String) -> String? {
        let replaced = text.utf8.prefix(63).map { DNSName.isLabelCharacter($0) ? $0 : UInt8(ascii: "-") }
        let trimmed = replaced.drop { !DNSName.isAlphanumeric($0) }
        guard let end = trimmed.lastIndex(where: { DNSName.isAlphanumeric($0) }) else { return nil }
        return String(decoding: trimmed[...end], as: UTF8.self)
    }
}

extension [Instance] {
    /// The port on which most of them listen; the smallest of several.
    fileprivate var commonestPort: UInt16? {
        let counts = Dictionary(map { ($0.port, 1) }, uniquingKeysWith: +)
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
}
