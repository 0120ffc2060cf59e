package import Addressing
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
    package let objectName: String
    package let portProtocol: PortProtocol
    package let address: IPAddress?
    package let registries: [String]
    package let form: EndpointForm
    /// Made of the endpoints. Translating them gives the same endpoints again.
    package private(set) var instances: [Instance]

    /// The service as it was before the start.
    package var seed: ServiceSeed { ServiceSeed(id: id, registries: registries, instances: instances) }

    /// `nil` for an object without our annotations.
    fileprivate init?(_ object: OwnedObject, _ protocols: ProtocolTable) {
        guard let id = object.annotations[OwnerMark.service].flatMap({ ServiceID($0) }),
            let portProtocol = object.annotations[OwnerMark.protocol].flatMap({ protocols[$0] })
        else { return nil }
        self.id = id
        self.portProtocol = portProtocol
        objectName = object.key.name
        address = object.spec["addresses"]?.array?.first?.string.flatMap { IPAddress($0) }
        registries = (object.annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init)
        form = object.spec["workloadSelector"] == nil ? .inline : .workloadEntry
        instances = []
        for endpoint in object.spec["endpoints"]?.array ?? [] { add(endpoint) }
    }

    fileprivate mutating func add(_ endpoint: JSONValue) {
        if let instance = Instance(endpoint, portProtocol) { instances.append(instance) }
    }
}

extension Translator {
    /// Reads back what `translate` made: the services of these objects, sorted by object name. A WorkloadEntry counts
    /// where a ServiceEntry selects it.
    package func services(in objects: [OwnedObject]) -> [OwnedService] {
        let protocols = ProtocolTable(policy.ports.keys)
        var services: [OwnedService] = []
        var indices: [ResourceKey: Int] = [:]
        let entries = objects.filter { $0.key.kind == .serviceEntry }.sorted { $0.key < $1.key }
        for entry in entries {
            guard let service = OwnedService(entry, protocols) else { continue }
            if service.form == .workloadEntry { indices[entry.key] = services.count }
            services.append(service)
        }
        for workload in objects {
            guard let entry = WorkloadEntry.serviceEntry(ofWorkload: workload.key), let index = indices[entry]
            else { continue }
            services[index].add(workload.spec)
        }
        return services
    }
}

extension Instance {
    /// The inverse of what translation makes of an instance.
    fileprivate init?(_ endpoint: JSONValue, _ portProtocol: PortProtocol) {
        guard let address = endpoint["address"]?.string,
            let port = endpoint["ports"]?[portProtocol.portName]?.integer.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        var labels = endpoint["labels"]?.strings ?? [:]
        labels[WorkloadEntry.serviceLabel] = nil
        let application = labels.removeValue(forKey: Translator.applicationLabel) ?? ""
        self.init(
            host: IPAddress(address).map { .address($0) } ?? .name(address), port: port, protocol: portProtocol,
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

extension Assignments {
    /// Takes over the choices that an object shows.
    package mutating func seed(from service: OwnedService) {
        seed(
            service.id, object: service.objectName, protocol: service.portProtocol, address: service.address,
            registries: service.registries, form: service.form)
    }
}
