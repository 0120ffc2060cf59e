/// A service that the mesh gets to know (`istio.networking.v1alpha3.ServiceEntry`), as far as Isthmus writes one.
package struct ServiceEntry: Hashable, Sendable {
    package enum Location: String, Hashable, Sendable {
        case meshExternal = "MESH_EXTERNAL"
        case meshInternal = "MESH_INTERNAL"
    }

    package enum Resolution: String, Hashable, Sendable {
        case none = "NONE"
        case `static` = "STATIC"
        case dns = "DNS"
    }

    /// `ServicePort`.
    package struct Port: Hashable, Sendable {
        package var number: UInt16
        package var name: String
        /// As istiod spells it: `TCP`, `HTTP`, `GRPC` …
        package var `protocol`: String

        package init(number: UInt16, name: String, protocol: String) {
            self.number = number
            self.name = name
            self.protocol = `protocol`
        }
    }

    /// One place where the service is served.
    package struct Endpoint: Hashable, Sendable {
        package var address: String
        /// The name of a service port → the port that this endpoint serves it on. istiod takes the service's own number
        /// for a port that isn't named here.
        package var ports: [String: UInt16]
        package var labels: [String: String]
        /// `region/zone/subzone`; empty for none.
        package var locality: String
        /// Relative to the other endpoints; `nil` is 1 to istiod.
        package var weight: UInt32?
        /// Annotations that its WorkloadEntry has in place of those of the ServiceEntry. istiod never reads them.
        package var annotations: [String: String]

        package init(
            address: String, ports: [String: UInt16], labels: [String: String] = [:], locality: String = "",
            weight: UInt32? = nil, annotations: [String: String] = [:]
        ) {
            self.address = address
            self.ports = ports
            self.labels = labels
            self.locality = locality
            self.weight = weight
            self.annotations = annotations
        }
    }

    package var key: ResourceKey
    package var labels: [String: String]
    package var annotations: [String: String]
    package var hosts: [String]
    /// Virtual addresses; empty leaves the field to others.
    package var addresses: [String]
    package var ports: [Port]
    package var location: Location
    package var resolution: Resolution
    package var endpoints: [Endpoint]
    /// The labels of the WorkloadEntries that stand for the endpoints; `nil` where these are part of the object.
    package var workloadSelector: [String: String]?
    /// Empty leaves the field to others.
    package var exportTo: [String]

    /// Whether the endpoints are part of the object.
    package var isInline: Bool { workloadSelector == nil }

    package init(
        key: ResourceKey, labels: [String: String], annotations: [String: String], hosts: [String], addresses: [String],
        ports: [Port], location: Location = .meshInternal, resolution: Resolution = .static, endpoints: [Endpoint],
        workloadSelector: [String: String]? = nil, exportTo: [String] = []
    ) {
        self.key = key
        self.labels = labels
        self.annotations = annotations
        self.hosts = hosts
        self.addresses = addresses
        self.ports = ports
        self.location = location
        self.resolution = resolution
        self.endpoints = endpoints
        self.workloadSelector = workloadSelector
        self.exportTo = exportTo
    }
}
