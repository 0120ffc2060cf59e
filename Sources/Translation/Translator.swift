internal import Addressing
package import Catalog
package import IstioAPI

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

/// Services become Istio resources. A pure function: services and assignments in, resources and assignments out, the same to
/// the byte for the same input.
package struct Translator: Sendable {
    package struct Outcome: Sendable, Hashable {
        /// One for each protocol that the service has or recently had, sorted by name.
        package var resources: [ServiceEntry] = []
        /// Why the service, or an object of it, can't be carried into the mesh.
        package var problems: [String] = []
    }

    package let policy: TranslationPolicy

    /// Under this label an endpoint tells its application.
    package static let applicationLabel = "service.istio.io/canonical-name"

    /// The largest weight that is passed on: 4,096 endpoints of it stay below what Envoy can add up.
    static let maximumWeight: UInt32 = 1_000_000

    /// The same for 400,000 endpoints, as many as a service can have that isn't limited to one object.
    static let maximumWorkloadWeight: UInt32 = 10_000

    package init(policy: TranslationPolicy) {
        self.policy = policy
    }

    /// - Parameter now: Monotonic. It dates the moment when a service became empty and does not show in the resources.
    package func translate(_ service: Service, _ assignments: inout Assignments, now: Duration) -> Outcome {
        if let refusal = policy.refusal(ofHost: assignments.host(for: service.id)) {
            return Outcome(problems: service.instances.isEmpty ? [] : [refusal])
        }
        guard let assignment = assignments.update(service, policy: policy, now: now) else { return Outcome() }
        var outcome = Outcome()
        if case .block(let block) = policy.addresses, assignment.address == nil {
            outcome.problems.append(
                "there is no free virtual address left in \(block); give addresses.cidr a larger block")
            return outcome
        }
        for (applicationProtocol, object) in assignment.objects.sorted(by: { $0.value.name < $1.value.name }) {
            var resource = resource(service, applicationProtocol, object.name, assignment)
            let form = policy.form(of: resource, after: object.form)
            if form != object.form { assignments.setForm(form, of: service.id, applicationProtocol) }
            if form == .workloadEntry { selectWorkloads(&resource) }
            let leftOut = Self.leftOut(service, applicationProtocol)
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
        _ service: Service, _ applicationProtocol: ApplicationProtocol, _ name: String,
        _ assignment: Assignments.Assignment
    ) -> ServiceEntry {
        let instances = Self.deliverable(service, applicationProtocol)
        let hasWeights = instances.contains { $0.weight != Instance.defaultWeight }
        return ServiceEntry(
            key: ResourceKey(namespace: policy.namespace, name: name),
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: policy.instance],
            annotations: [
                OwnerMark.registries: assignment.registries.joined(separator: ","),
                OwnerMark.service: service.id.description,
                OwnerMark.protocol: applicationProtocol.rawValue,
            ],
            hosts: [assignment.host],
            addresses: addresses(of: assignment),
            ports: [
                ServiceEntry.Port(
                    number: policy.ports[applicationProtocol] ?? 0, name: applicationProtocol.portName,
                    protocol: applicationProtocol.istioProtocol)
            ],
            resolution: instances.first?.host.isName == true ? .dns : .static,
            endpoints: instances.map { endpoint($0, withWeight: hasWeights) },
            exportTo: policy.exportTo)
    }

    /// The weights of all are written, so that the first one that isn't as usual changes one object only.
    private func selectWorkloads(_ entry: inout ServiceEntry) {
        entry.workloadSelector = ServiceEntry.selector(forEntry: entry.key.name)
        for index in entry.endpoints.indices {
            let weight = entry.endpoints[index].weight ?? Instance.defaultWeight
            entry.endpoints[index].weight = min(weight, Self.maximumWorkloadWeight)
        }
    }

    /// The instances that want traffic. A ServiceEntry either lists addresses or has names resolved; where there are both, the
    /// addresses go, and the others are a problem that is reported.
    private static func deliverable(_ service: Service, _ applicationProtocol: ApplicationProtocol) -> [Instance] {
        let instances = service.instances.filter { $0.protocol == applicationProtocol && $0.isEnabled }
        let withAddress = instances.filter { !$0.host.isName }
        return withAddress.isEmpty ? instances : withAddress
    }

    private static func leftOut(_ service: Service, _ applicationProtocol: ApplicationProtocol) -> [Instance] {
        if deliverable(service, applicationProtocol).first?.host.isName != false { return [] }
        return service.instances.filter { $0.protocol == applicationProtocol && $0.isEnabled && $0.host.isName }
    }

    private func addresses(of assignment: Assignments.Assignment) -> [String] {
        guard case .block = policy.addresses else { return [] }
        return assignment.address.map { ["\($0)"] } ?? []
    }

    private func endpoint(_ instance: Instance, withWeight: Bool) -> ServiceEntry.Endpoint {
        var labels: [String: String] = [:]
        for attribute in instance.attributes where policy.keptLabels.contains(attribute.key) {
            labels[attribute.key] = Self.labelValue(attribute.value)
        }
        labels[Self.applicationLabel] = Self.labelValue(instance.application)
        let region = Self.localityPart(instance, "region")
        let zone = Self.localityPart(instance, "zone")
        return ServiceEntry.Endpoint(
            address: "\(instance.host)",
            ports: [instance.protocol.portName: instance.port],
            labels: labels,
            locality: region.map { region in zone.map { region + "/" + $0 } ?? region } ?? "",
            weight: withWeight ? min(instance.weight, Self.maximumWeight) : nil)
    }

    private static func localityPart(_ instance: Instance, _ key: String) -> String? {
        instance.attributes.first { $0.key == key }.flatMap { labelValue($0.value) }
    }

    /// A valid label value that reads as much like the text as can be; `nil` when nothing of it is left.
    static func labelValue(_ text: String) -> String? {
        let replaced = text.utf8.prefix(63).map { DNSName.isLabelCharacter($0) ? $0 : UInt8(ascii: "-") }
        let trimmed = replaced.drop { !DNSName.isAlphanumeric($0) }
        guard let end = trimmed.lastIndex(where: { DNSName.isAlphanumeric($0) }) else { return nil }
        return String(decoding: trimmed[...end], as: UTF8.self)
    }
}
