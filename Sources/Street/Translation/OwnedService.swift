internal import Addressing
package import Catalog
package import IstioAPI
package import JSON
package import Services

/// An object of ours as a delivery holds it.
package struct OwnedObject: Sendable {
    package var key: ResourceKey
    package var annotations: [String: String]
    package var spec: JSONValue

    package init(key: ResourceKey, annotations: [String: String], spec: JSONValue) {
        self.key = key
        self.annotations = annotations
        self.spec = spec
    }
}

/// A service as a ServiceEntry of ours, with its WorkloadEntries, describes it.
package struct OwnedService: Sendable, Hashable {
    package let id: ServiceID
    private(set) var choices: Assignments.Assignment
    private let portName: String
    /// Made of the endpoints. Translating them gives the same endpoints again.
    package private(set) var instances: [Instance]
    private var announcers: EndpointAnnouncers
    /// The registries that the WorkloadEntries name.
    private var workloadNames: [Endpoint: [String]] = [:]

    /// The service as it was before the start.
    package var seed: ServiceSeed {
        ServiceSeed(id: id, registries: choices.registries, instances: instances, announcers: announcers)
    }

    /// `nil` for an object without our annotations.
    fileprivate init?(_ object: OwnedObject, _ translator: Translator) {
        guard let id = ServiceID(object), let portProtocol = translator.portProtocol(of: id) else { return nil }
        self.id = id
        portName = portProtocol.portName
        var choices = Assignments.Assignment(objectName: object.key.name)
        choices.address = object.spec["addresses"]?.array?.first?.string.flatMap { IPAddress($0) }
        if translator.policy.ports[portProtocol] == nil {
            let number = object.spec["ports"]?.array?.first?["number"]?.integer
            choices.port = number.flatMap { UInt16(exactly: $0) }
        }
        choices.resolution = object.spec["resolution"]?.string == "DNS" ? .names : .static
        choices.registries = object.registries
        announcers = object.announcers
        choices.registries += announcers.registries.filter { !object.registries.contains($0) }
        choices.form = object.spec["workloadSelector"] == nil ? .inline : .workloadEntry
        self.choices = choices
        instances = []
        for endpoint in object.spec["endpoints"]?.array ?? [] { add(endpoint) }
        announcers.keep(Set(instances.lazy.map(\.endpoint)))
    }

    private mutating func add(_ endpoint: JSONValue) {
        if let instance = Instance(endpoint, portName) { instances.append(instance) }
    }

    fileprivate mutating func add(_ workload: OwnedObject) {
        guard let instance = Instance(workload.spec, portName) else { return }
        instances.append(instance)
        // The ServiceEntry says the truth: a WorkloadEntry may still name a registry that has left the service.
        let names = workload.registries
        let known = names.filter { choices.registries.contains($0) }
        if !names.isEmpty { workloadNames[instance.endpoint] = known.isEmpty ? names : known }
    }

    /// All WorkloadEntries have been read.
    fileprivate mutating func end() {
        // A ServiceEntry may not be written yet with all of its registries.
        for (_, names) in workloadNames.sorted(by: { $0.key < $1.key }) {
            choices.registries += names.filter { !choices.registries.contains($0) }.sorted()
        }
        for (endpoint, names) in workloadNames where Set(names) != Set(choices.registries) {
            announcers[endpoint] = names
        }
        workloadNames = [:]
    }
}

extension OwnedObject {
    fileprivate var registries: [String] {
        (annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init)
    }

    /// A text that can't be read names none: then all registries may announce all endpoints.
    fileprivate var announcers: EndpointAnnouncers {
        let groups = annotations[OwnerMark.announcers].flatMap { try? JSONValue(parsing: $0.utf8) }
        return EndpointAnnouncers(groups: groups?.strings ?? [:])
    }
}

extension Translator {
    /// Reads back what `translate` made: the services of these objects, sorted by object name. A WorkloadEntry counts
    /// where a ServiceEntry selects it.
    package func services(in objects: [OwnedObject]) -> [OwnedService] {
        var services: [OwnedService] = []
        var indices: [ResourceKey: Int] = [:]
        let entries = objects.filter { $0.key.kind == .serviceEntry }.sorted { $0.key < $1.key }
        for entry in entries {
            guard let service = OwnedService(entry, self) else { continue }
            if service.choices.form == .workloadEntry { indices[entry.key] = services.count }
            services.append(service)
        }
        for workload in objects {
            guard let entry = WorkloadEntry.serviceEntry(ofWorkload: workload.key), let index = indices[entry]
            else { continue }
            services[index].add(workload)
        }
        for index in indices.values { services[index].end() }
        return services
    }
}

extension Instance {
    /// The inverse of what translation makes of an instance.
    fileprivate init?(_ endpoint: JSONValue, _ portName: String) {
        guard let address = endpoint["address"]?.string,
            let port = endpoint["ports"]?[portName]?.integer.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        var labels = endpoint["labels"]?.strings ?? [:]
        labels[WorkloadEntry.serviceLabel] = nil
        let application = labels.removeValue(forKey: Translator.applicationLabel) ?? ""
        self.init(
            host: IPAddress(address).map { .address($0) } ?? .name(address), port: port,
            weight: endpoint["weight"]?.integer.flatMap { UInt32(exactly: $0) } ?? Instance.defaultWeight,
            application: application, attributes: labels.map { Attribute(key: $0.key, value: $0.value) }.sorted(),
            locality: Locality(text: endpoint["locality"]?.string ?? ""))
    }
}

extension Locality {
    /// The inverse of `Translator.localityText`.
    fileprivate init(text: String) {
        let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        self.init(
            region: parts.first ?? "", zone: parts.count > 1 ? parts[1] : "", subzone: parts.count > 2 ? parts[2] : "")
    }
}

extension ServiceID {
    /// The service of an object, also of one that an earlier release wrote.
    fileprivate init?(_ object: OwnedObject) {
        guard let text = object.annotations[OwnerMark.service] else { return nil }
        if let id = ServiceID(text) {
            self = id
        } else if let name = object.annotations[OwnerMark.protocol] {
            self.init(earlierText: text, protocol: name)
        } else {
            return nil
        }
    }
}

extension Translator {
    /// Takes over the choices that an object shows. They are none where the object doesn't have the name that the
    /// service's object has today.
    package func seed(_ assignments: inout Assignments, from service: OwnedService) {
        seed(&assignments, service.id, service.choices)
    }

    /// Takes over choices that were remembered.
    package func seed(_ assignments: inout Assignments, _ id: ServiceID, _ choices: Assignments.Assignment) {
        if choices.objectName == policy.hosts.objectName(of: id) { assignments.seed(id, choices) }
    }
}
