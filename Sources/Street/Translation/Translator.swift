internal import Addressing
package import IstioAPI
package import Services

/// Labels and annotations by which Isthmus knows its objects.
package enum OwnerMark {
    package static let managedBy = "app.kubernetes.io/managed-by"
    package static let manager = "isthmus"
    package static let prefix = "isthmus.mesh/"
    package static let instance = prefix + "instance"
    package static let registries = prefix + "registries"
    package static let service = prefix + "service"
    package static let `protocol` = prefix + "protocol"
}

/// Translates services into Istio resources. It is a pure function of services and assignments: the same input gives
/// the same resources to the byte.
package struct Translator: Sendable {
    package struct Outcome: Sendable, Hashable {
        /// One resource for each protocol that the service has or recently had, sorted by name.
        package var resources: [ServiceEntry] = []
        /// Why the service, or an object of it, can't be carried into the mesh.
        package var problems: [String] = []
    }

    package let policy: TranslationPolicy
    private let parts: EndpointParts
    /// All objects share these labels.
    private let labels: [String: String]
    private let ports: [PortProtocol: [ServiceEntry.Port]]

    /// The label that names an endpoint's application.
    package static let applicationLabel = "service.istio.io/canonical-name"

    /// The largest weight of an inline endpoint. The sum for 4,096 endpoints stays below Envoy's limit, 2³² − 1.
    static let maximumWeight: UInt32 = 1_000_000

    /// The largest weight of a WorkloadEntry. The sum for 400,000 of them stays below the same limit.
    static let maximumWorkloadWeight: UInt32 = 10_000

    package init(policy: TranslationPolicy) {
        self.policy = policy
        parts = EndpointParts(keptLabels: policy.keptLabels)
        labels = [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance]
        let ports = policy.ports.map { portProtocol, number in
            let port = ServiceEntry.Port(
                number: number, name: portProtocol.portName, protocol: portProtocol.istioProtocol.rawValue)
            return (portProtocol, [port])
        }
        self.ports = Dictionary(uniqueKeysWithValues: ports)
    }

    /// - Parameter now: Monotonic. It dates the moment when a service lost its last instance; resources don't show it.
    package func translate(_ service: Service, _ assignments: inout Assignments, now: Duration) -> Outcome {
        // An object from before the refusal goes like any other one, when the service has no instances any more.
        let isLeft = service.instances.isEmpty && assignments[service.id] != nil
        if !isLeft, let refusal = policy.refusal(ofHost: assignments.host(for: service.id)) {
            return Outcome(problems: service.instances.isEmpty ? [] : [refusal])
        }
        guard let assignment = assignments.update(service, policy: policy, now: now) else { return Outcome() }
        var outcome = Outcome()
        if case .block(let block) = policy.addresses, assignment.address == nil {
            outcome.problems.append(
                "there is no free virtual address left in \(block); give addresses.cidr a larger block")
            return outcome
        }
        for (portProtocol, object) in assignment.objects.sorted(by: { $0.value.name < $1.value.name }) {
            let (delivered, leftOut) = Self.deliverable(service, portProtocol)
            var resource = resource(service.id, delivered, portProtocol, object.name, assignment)
            let form = policy.form(of: resource, after: object.form)
            if form != object.form { assignments.setForm(form, of: service.id, portProtocol) }
            if form == .workloadEntry { selectWorkloads(&resource) }
            if !leftOut.isEmpty {
                let names = leftOut.prefix(3).map { "\($0.host):\($0.port)" }.joined(separator: ", ")
                outcome.problems.append(
                    "\(object.name): \(leftOut.count) providers with a host name were left out beside those with an "
                        + "address, such as \(names); have them register their addresses")
            }
            let violations = resource.violations
            if violations.isEmpty {
                outcome.resources.append(resource)
            } else {
                let reasons = violations.prefix(3).map(\.description).joined(separator: "; ")
                outcome.problems.append("\(object.name): \(reasons)")
            }
        }
        return outcome
    }

    private func resource(
        _ id: ServiceID, _ instances: [Instance], _ portProtocol: PortProtocol, _ name: String,
        _ assignment: Assignments.Assignment
    ) -> ServiceEntry {
        let hasWeights = instances.contains { $0.weight != Instance.defaultWeight }
        let portName = portProtocol.portName
        return ServiceEntry(
            key: ResourceKey(namespace: policy.namespace, name: name),
            labels: labels,
            annotations: [
                OwnerMark.registries: assignment.registries.joined(separator: ","),
                OwnerMark.service: id.description,
                OwnerMark.protocol: portProtocol.name,
            ],
            hosts: [assignment.host],
            addresses: addresses(of: assignment),
            ports: ports[portProtocol] ?? [],
            resolution: instances.first?.host.isName == true ? .dns : .static,
            endpoints: instances.map { endpoint($0, portName, withWeight: hasWeights) },
            exportTo: policy.exportTo)
    }

    /// Every WorkloadEntry has a weight, so that the first unusual weight changes one object only.
    private func selectWorkloads(_ entry: inout ServiceEntry) {
        entry.workloadSelector = ServiceEntry.selector(forEntry: entry.key.name)
        for index in entry.endpoints.indices {
            let weight = entry.endpoints[index].weight ?? Instance.defaultWeight
            entry.endpoints[index].weight = min(weight, Self.maximumWorkloadWeight)
        }
    }

    /// The instances that want traffic. A ServiceEntry either lists addresses or has names resolved. Where a protocol
    /// has instances of both kinds, only those with an address are delivered, and the others are reported as a problem.
    private static func deliverable(
        _ service: Service, _ portProtocol: PortProtocol
    ) -> (delivered: [Instance], leftOut: [Instance]) {
        let instances = service.instances.filter { $0.protocol == portProtocol && $0.wantsTraffic }
        let named = instances.filter(\.host.isName)
        if named.isEmpty || named.count == instances.count { return (instances, []) }
        return (instances.filter { !$0.host.isName }, named)
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
