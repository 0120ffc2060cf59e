internal import Addressing
internal import IstioAPI
internal import JSON

/// An endpoint of one port of a service (`model.IstioEndpoint`).
package struct MeshEndpoint: Hashable, Sendable {
    /// An IP address, or a name.
    package var address: String
    package var port: UInt16
    /// The service's port.
    package var portName: String
    /// The service's port number.
    package var servicePort: UInt16
    /// 0 where none is set.
    package var weight: UInt32
    package var labels: [String: String]
    package var locality: String
    /// The SPIFFE name; empty for none.
    package var serviceAccount: String
    package var isMutualTLS: Bool
    package var workloadName: String
    /// Whether its object names ports, but not this one: istiod sends it this port's traffic nevertheless.
    package var isUnnamedPort: Bool

    package var isIPAddress: Bool { IPAddress(address) != nil }
}

extension MeshEndpoint {
    /// An endpoint in an object, before ports.
    struct Place {
        var spec: JSONValue
        var labels: [String: String]
        var workloadName: String
    }

    /// The endpoints of a ServiceEntry: those in it, or those that it selects, or for a DNS entry without any its host.
    static func places(of entry: Istiod.Entry, among workloads: [ConfigObject], host: String = "") -> [Place] {
        if entry.traits.selector != nil {
            return workloads.filter { entry.object.selects($0) }.sorted { $0.name < $1.name }.map {
                Place(spec: $0.spec, labels: $0.workloadLabels, workloadName: $0.name)
            }
        }
        let inline = entry.object.inlineEndpoints.enumerated().map { index, endpoint in
            Place(
                spec: endpoint, labels: endpoint["labels"]?.strings ?? [:],
                workloadName: "\(entry.object.name)-\(index)")
        }
        guard inline.isEmpty, entry.traits.resolution.isResolvedByProxy else { return inline }
        return [Place(spec: ["address": .string(host)], labels: [:], workloadName: "\(entry.object.name)-0")]
    }

    static func endpoints(
        of entry: Istiod.Entry, for host: String, among workloads: [ConfigObject], trustDomain: String
    ) -> [MeshEndpoint] {
        places(of: entry, among: workloads, host: host).flatMap { place in
            entry.traits.ports.map { port in
                MeshEndpoint(place, port, namespace: entry.object.namespace, trustDomain: trustDomain)
            }
        }
    }

    private init(_ place: Place, _ port: ServiceTraits.Port, namespace: String, trustDomain: String) {
        let account = place.spec["serviceAccount"]?.string ?? ""
        let mode = place.labels["security.istio.io/tlsMode"]
        self.init(
            address: place.spec["address"]?.string ?? "", port: place.port(for: port), portName: port.name,
            servicePort: port.number, weight: place.weight, labels: place.labels, locality: place.locality,
            serviceAccount: account.isEmpty ? "" : "spiffe://\(trustDomain)/ns/\(namespace)/sa/\(account)",
            isMutualTLS: mode.map { $0 == "istio" } ?? !account.isEmpty, workloadName: place.workloadName,
            isUnnamedPort: place.namesOtherPorts(than: port))
    }
}

extension MeshEndpoint.Place {
    var address: String { spec["address"]?.string ?? "" }
    var weight: UInt32 { spec["weight"]?.integer.flatMap { UInt32(exactly: $0) } ?? 0 }
    var serviceAccount: String { spec["serviceAccount"]?.string ?? "" }

    /// The port that is called for a port of the service.
    func port(for port: ServiceTraits.Port) -> UInt16 {
        if address.hasPrefix("unix://") { return 0 }
        return spec["ports"]?[port.name]?.portNumber ?? port.target
    }

    func namesOtherPorts(than port: ServiceTraits.Port) -> Bool {
        let named = spec["ports"]?.object
        return !(named?.isEmpty ?? true) && named?[port.name] == nil
    }

    /// `region/zone/subzone`, from the field or else from a label, in which dots stand for slashes.
    var locality: String {
        let field = spec["locality"]?.string ?? ""
        if !field.isEmpty { return field }
        let label = labels["topology.istio.io/locality"] ?? labels["istio-locality"] ?? ""
        return label.contains("/") ? label : label.split(separator: ".").joined(separator: "/")
    }
}
