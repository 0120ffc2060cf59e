internal import Addressing
internal import Catalog
internal import IstioAPI
internal import JSON
internal import Planning
internal import Services
internal import Translation

/// What an object of ours says of the service that it was made for.
struct OwnedService: Sendable, Hashable {
    let id: ServiceID
    let objectName: String
    let applicationProtocol: ApplicationProtocol
    let address: IPAddress?
    let registries: [String]
    let form: EndpointForm
    /// Made of the endpoints, so that translating them gives the same endpoints again.
    private(set) var instances: [Instance]

    /// What all objects together say, sorted by name. WorkloadEntries count where a ServiceEntry selects them.
    static func all(in objects: [ActualObject]) -> [OwnedService] {
        var services: [OwnedService] = []
        var indices: [ResourceKey: Int] = [:]
        let entries = objects.filter { $0.key.kind == .serviceEntry }.sorted { $0.key < $1.key }
        for entry in entries {
            guard let service = OwnedService(entry) else { continue }
            if service.form == .workloadEntry { indices[entry.key] = services.count }
            services.append(service)
        }
        for workload in objects {
            guard let entry = WorkloadEntry.serviceEntry(ofWorkload: workload.key), let index = indices[entry],
                let instance = Instance(workload.spec, services[index].applicationProtocol)
            else { continue }
            services[index].instances.append(instance)
        }
        return services
    }

    /// `nil` for an object whose annotations somebody removed: it says nothing.
    init?(_ object: ActualObject) {
        guard let id = object.annotations[OwnerMark.service].flatMap({ ServiceID($0) }),
            let applicationProtocol = object.annotations[OwnerMark.protocol].flatMap({
                ApplicationProtocol(rawValue: $0)
            })
        else { return nil }
        self.id = id
        self.applicationProtocol = applicationProtocol
        objectName = object.key.name
        address = object.spec["addresses"]?.array?.first?.string.flatMap { IPAddress($0) }
        registries = (object.annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init)
        form = object.selectsWorkloads ? .workloadEntry : .inline
        instances = (object.spec["endpoints"]?.array ?? []).compactMap { Instance($0, applicationProtocol) }
    }

    var seed: ServiceSeed { ServiceSeed(id: id, registries: registries, instances: instances) }
}

extension Instance {
    /// The inverse of what translation makes of an instance.
    fileprivate init?(_ endpoint: JSONValue, _ applicationProtocol: ApplicationProtocol) {
        guard let address = endpoint["address"]?.string,
            let port = endpoint["ports"]?[applicationProtocol.portName]?.integer.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        var labels = endpoint["labels"]?.strings ?? [:]
        labels[WorkloadEntry.serviceLabel] = nil
        let application = labels.removeValue(forKey: Translator.applicationLabel) ?? ""
        self.init(
            host: IPAddress(address).map { .address($0) } ?? .name(address), port: port, protocol: applicationProtocol,
            weight: endpoint["weight"]?.integer.flatMap { UInt32(exactly: $0) } ?? Instance.defaultWeight,
            application: application,
            attributes: labels.map { Attribute(key: $0.key, value: $0.value) }.sorted())
    }
}

extension Assignments {
    mutating func seed(from service: OwnedService) {
        seed(
            service.id, object: service.objectName, protocol: service.applicationProtocol, address: service.address,
            registries: service.registries, form: service.form)
    }
}
