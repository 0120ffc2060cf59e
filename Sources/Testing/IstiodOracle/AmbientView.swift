package import IstioAPI

/// What a ztunnel gets (`istio.workload.Address`). It sees all namespaces, whatever `exportTo` says.
package struct AmbientView: Hashable, Sendable {
    /// By name: `NAMESPACE/HOST`.
    package var services: [String: Service] = [:]
    /// By UID.
    package var workloads: [String: Workload] = [:]
    /// The entries that are younger than another one of a host in their namespace: nothing of them is there for that
    /// host.
    package var hidden: [Istiod.HostKey: [String]] = [:]

    package struct Service: Hashable, Sendable {
        package var namespace: String
        /// The object's.
        package var name: String
        package var host: String
        package var addresses: [String]
        package var ports: [ServiceTraits.Port]
        /// Whether it has its host where several namespaces do.
        package var isCanonical: Bool
    }

    package struct Workload: Hashable, Sendable {
        package var namespace: String
        package var name: String
        package var canonicalName: String
        /// An IP address, or a name that ztunnel resolves.
        package var address: String
        /// 0 where none is set.
        package var capacity: UInt32
        package var locality: String
        package var serviceAccount: String
        /// Service → the service's port → the port that is called.
        package var services: [String: [UInt16: UInt16]]
    }
}

extension Istiod {
    package func ambientView() -> AmbientView {
        var view = AmbientView()
        // Of one host in a namespace the oldest entry counts, and no other one adds to it.
        var winners: [HostKey: MeshService] = [:]
        for service in services {
            let key = HostKey(namespace: service.namespace, host: service.host)
            if let winner = winners[key], winner.objectName != service.objectName || winner.registry != service.registry
            {
                view.hidden[key, default: []].append(service.objectName)
            } else if winners[key] == nil {
                winners[key] = service
            }
        }
        // As a client sees it whose namespace has none.
        let canonical = Dictionary(grouping: winners.values, by: \.host).compactMapValues {
            MeshService.namespace(of: $0, for: "")
        }
        for (key, service) in winners {
            view.services[key.text] = AmbientView.Service(
                namespace: key.namespace, name: service.objectName, host: key.host, addresses: service.addresses,
                ports: service.ports, isCanonical: canonical[key.host] == key.namespace)
        }
        for workload in workloads { view.addWorkload(workload, entries: entries, winners: winners) }
        for entry in entries { view.addInline(of: entry, winners: winners) }
        return view
    }
}

extension AmbientView {
    private static let prefix = "Kubernetes/networking.istio.io"

    fileprivate mutating func addWorkload(
        _ object: ConfigObject, entries: [Istiod.Entry], winners: [Istiod.HostKey: MeshService]
    ) {
        let place = MeshEndpoint.Place(
            spec: object.spec, labels: object.workloadLabels, workloadName: object.name)
        let selecting = entries.filter { $0.object.selects(object) }
        let services = selecting.map { Self.ports(of: place, in: $0, winners) }
        workloads["\(Self.prefix)/WorkloadEntry/\(object.namespace)/\(object.name)"] = Workload(
            place, namespace: object.namespace, name: object.name,
            canonicalName: place.labels[WorkloadEntry.canonicalNameLabel] ?? object.name,
            services: services.reduce(into: [:]) { $0.merge($1) { first, _ in first } })
    }

    /// Of two endpoints with one address the later one stays. Their labels count for nothing, those of the entry do.
    fileprivate mutating func addInline(of entry: Istiod.Entry, winners: [Istiod.HostKey: MeshService]) {
        guard entry.traits.selector == nil else { return }
        let object = entry.object
        for host in entry.traits.hosts {
            for place in MeshEndpoint.places(of: entry, among: [], host: host) {
                let services = Self.ports(of: place, in: entry, winners)
                if services.isEmpty { continue }
                let uid = "\(Self.prefix)/ServiceEntry/\(object.namespace)/\(object.name)/\(place.address)"
                workloads[uid] = Workload(
                    place, namespace: object.namespace, name: object.name,
                    canonicalName: object.labels[WorkloadEntry.canonicalNameLabel] ?? object.name, services: services)
            }
        }
    }

    private static func ports(
        of place: MeshEndpoint.Place, in entry: Istiod.Entry, _ winners: [Istiod.HostKey: MeshService]
    ) -> [String: [UInt16: UInt16]] {
        let ports = Dictionary(entry.traits.ports.map { ($0.number, place.port(for: $0)) }) { first, _ in first }
        let own = entry.hosts.filter {
            winners[$0]?.objectName == entry.object.name && winners[$0]?.registry == .external
        }
        return Dictionary(own.map { ($0.text, ports) }) { first, _ in first }
    }
}

extension AmbientView.Workload {
    fileprivate init(
        _ place: MeshEndpoint.Place, namespace: String, name: String, canonicalName: String,
        services: [String: [UInt16: UInt16]]
    ) {
        self.init(
            namespace: namespace, name: name, canonicalName: canonicalName, address: place.address,
            capacity: place.weight, locality: place.locality, serviceAccount: place.serviceAccount, services: services)
    }
}

extension Istiod.HostKey {
    var text: String { "\(namespace)/\(host)" }
}
