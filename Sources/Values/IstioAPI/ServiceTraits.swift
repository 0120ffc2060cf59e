internal import JSON

/// The fields of a ServiceEntry that istiod makes its services of. As long as they stay equal, a change of the entry is
/// a change of endpoints. Defaults are filled in, so that two spellings of one service are equal.
package struct ServiceTraits: Hashable, Sendable {
    /// A field of the object, spelled as a user finds it there.
    package enum Field: String, Hashable, Sendable, CaseIterable {
        case hosts = "spec.hosts"
        case addresses = "spec.addresses"
        case ports = "spec.ports"
        case location = "spec.location"
        case resolution = "spec.resolution"
        case exportTo = "spec.exportTo"
        case workloadSelector = "spec.workloadSelector"
        case subjectAltNames = "spec.subjectAltNames"
        case labels = "metadata.labels"
        /// Addresses that istiod allocated, where `spec` has none.
        case allocatedAddresses = "status.addresses"
    }

    package struct Port: Hashable, Sendable {
        package var number: UInt16
        package var name: String
        /// `nil` where nobody says which: a sidecar looks at the first bytes of a connection.
        package var `protocol`: IstioProtocol?
        /// The port of an endpoint that doesn't name its own.
        package var target: UInt16

        package init(number: UInt16, name: String, protocol: IstioProtocol?, target: UInt16? = nil) {
            self.number = number
            self.name = name
            self.protocol = `protocol`
            self.target = target ?? number
        }

        /// Whether a sidecar routes by authority.
        package var isHTTP: Bool { `protocol`?.isHTTP ?? false }
    }

    package enum Resolution: String, Hashable, Sendable, CaseIterable {
        case none = "NONE"
        case `static` = "STATIC"
        case dns = "DNS"
        case dnsRoundRobin = "DNS_ROUND_ROBIN"
        case dynamicDNS = "DYNAMIC_DNS"

        /// Whether the endpoints are part of the cluster, not of a stream of their own (EDS).
        package var isResolvedByProxy: Bool { self == .dns || self == .dnsRoundRobin || self == .dynamicDNS }
    }

    package var hosts: [String]
    package var addresses: [String]
    package var ports: [Port]
    package var isExternal: Bool
    package var resolution: Resolution
    /// Empty means the mesh's default, which is everybody; istiod tells it from `*` nevertheless.
    package var exportTo: Set<String>
    /// `nil` where the endpoints are part of the entry.
    package var selector: [String: String]?
    package var subjectAltNames: Set<String>
    package var labels: [String: String]
    /// Host → addresses that istiod allocated.
    package var allocated: [String: [String]]

    package init(_ entry: ConfigObject) {
        let spec = entry.spec
        hosts = spec["hosts"]?.texts ?? []
        addresses = spec["addresses"]?.texts ?? []
        ports = (spec["ports"]?.array ?? []).compactMap(Port.init)
        isExternal = spec["location"]?.string != "MESH_INTERNAL"
        resolution = spec["resolution"]?.string.flatMap(Resolution.init(rawValue:)) ?? .none
        exportTo = Set(spec["exportTo"]?.texts ?? [])
        selector = spec["workloadSelector"].flatMap { $0 == .null ? nil : $0["labels"]?.strings ?? [:] }
        subjectAltNames = Set(spec["subjectAltNames"]?.texts ?? [])
        labels = entry.labels
        allocated = Self.allocated(entry, isWanted: addresses.isEmpty && resolution != .none)
    }

    private static func allocated(_ entry: ConfigObject, isWanted: Bool) -> [String: [String]] {
        guard isWanted, entry.labels["networking.istio.io/enable-autoallocate-ip"] != "false" else { return [:] }
        let pairs = (entry.status["addresses"]?.array ?? []).compactMap { address in
            address["host"]?.string.flatMap { host in address["value"]?.string.map { (host, [$0]) } }
        }
        return Dictionary(pairs, uniquingKeysWith: +)
    }

    package func differences(from other: ServiceTraits) -> [Field] {
        if self == other { return [] }
        return Field.allCases.filter { field in
            switch field {
            case .hosts: hosts != other.hosts
            case .addresses: addresses != other.addresses
            case .ports: ports != other.ports
            case .location: isExternal != other.isExternal
            case .resolution: resolution != other.resolution
            case .exportTo: exportTo != other.exportTo
            case .workloadSelector: selector != other.selector
            case .subjectAltNames: subjectAltNames != other.subjectAltNames
            case .labels: labels != other.labels
            case .allocatedAddresses: allocated != other.allocated
            }
        }
    }
}

extension ServiceTraits.Port {
    init?(_ json: JSONValue) {
        guard let number = json["number"]?.portNumber else { return nil }
        self.init(
            number: number, name: json["name"]?.string ?? "",
            protocol: IstioProtocol(anyCase: json["protocol"]?.string ?? ""),
            target: json["targetPort"]?.portNumber)
    }
}
