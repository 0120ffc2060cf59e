package import Addressing
package import IstioAPI
package import Services

/// The operator's decisions about how services look in the mesh.
package struct TranslationPolicy: Sendable, Hashable {
    /// Where the virtual address of a service comes from.
    package enum AddressPolicy: Sendable, Hashable {
        /// Isthmus assigns an address of the block to each service, for good.
        case block(CIDRBlock)
        /// istiod (1.25 and later) allocates an address.
        case istiod
        case none
    }

    /// Where endpoints stand.
    package enum EndpointPolicy: String, Sendable, Hashable, CaseIterable {
        /// In their ServiceEntry.
        case inline
        /// Each in a WorkloadEntry.
        case workloadEntry
        /// In the ServiceEntry while they are few, in WorkloadEntries when they are many.
        case auto
    }

    package struct InlineLimit: Sendable, Hashable {
        package var endpoints: Int
        /// The length of their JSON.
        package var bytes: Int

        package init(endpoints: Int = 1000, bytes: Int = 256 << 10) {
            self.endpoints = endpoints
            self.bytes = bytes
        }
    }

    /// The name of the installation, which tells its objects from those of others.
    package var instance: String
    /// The namespace of the resources.
    package var namespace: String
    package var addresses: AddressPolicy
    /// Namespaces that see the services; empty for the mesh's default. Ambient knows no such limit.
    package var exportTo: [String]
    package var mesh = MeshMode.sidecar
    package var hosts: HostNaming
    /// Whether instances may have loopback addresses, where consumers and providers run on one machine: tests.
    package var allowsLoopback = false
    /// Whether instances may have names that have to be resolved. Each change of such a service is a full push.
    package var allowsHostNames = true
    /// The protocols that a service may have.
    package let protocols: [PortProtocol]
    /// The port of a service by its protocol, the same for every service; a service of any other protocol has the port
    /// of its first instances. An endpoint has the port of its instance.
    package var ports: [PortProtocol: UInt16]
    /// The attributes of instances that become labels of their endpoints.
    package var keptLabels: [String]
    package var endpoints: EndpointPolicy
    /// An `auto` service gets WorkloadEntries above this limit, and is inline again below half of it.
    package var inlineLimit: InlineLimit
    /// How long a service without instances keeps its entry.
    package var emptyRetention: Duration
    /// The hosts that a registry may take, as patterns with `*` at one end: `com.acme.*`, `*.shop`. An empty list
    /// allows all hosts but those of the cluster.
    package var allowedHosts: [String]
    package var clusterDomain: String
    /// `nil` where no rule is wanted.
    package var outlierDetection: OutlierDetection?

    /// istiod's own block: the default of `PILOT_IP_AUTOALLOCATE_IPV4_PREFIX`.
    static let istiodBlock = CIDRBlock(base: .v4(0xF0F0_0000), prefixLength: 16)
    package static let defaultBlock = CIDRBlock(base: .v4(0xF010_0000), prefixLength: 12)

    /// - Parameter formats: Those of the registries. They bring the protocols, the default ports and labels.
    package init(
        instance: String = "main", namespace: String, formats: [FormatDefaults], domain: String = "mesh",
        addresses: AddressPolicy = .block(defaultBlock), exportTo: [String] = [], endpoints: EndpointPolicy = .auto,
        inlineLimit: InlineLimit = InlineLimit(), emptyRetention: Duration = .seconds(3600),
        allowedHosts: [String] = [], clusterDomain: String = "cluster.local"
    ) {
        self.instance = instance
        self.namespace = namespace
        self.addresses = addresses
        self.exportTo = exportTo
        hosts = HostNaming(
            domain: domain,
            plainProtocols: Set(formats.protocols.lazy.filter(\.isPlain).map(\.portProtocol.name)))
        protocols = formats.protocols.map(\.portProtocol)
        ports = Dictionary(
            uniqueKeysWithValues: formats.protocols.compactMap { known in
                known.port.map { (known.portProtocol, $0) }
            })
        keptLabels = formats.labels
        self.endpoints = endpoints
        self.inlineLimit = inlineLimit
        self.emptyRetention = emptyRetention
        self.allowedHosts = allowedHosts
        self.clusterDomain = clusterDomain
    }

    /// Why a registry may not take a host; `nil` for a host that it may take. A registry is not a mesh administrator:
    /// often anyone can write to it, and a host decides which traffic a service receives.
    package func refusal(ofHost host: String) -> String? {
        if isOfCluster(host) { return "the host '\(host)' belongs to the cluster" }
        let labels = host.split(separator: ".")
        if labels.count == 1 {
            return
                "the host '\(host)' is the short name of a Service in its clients' namespace; give translation.domain"
        }
        if labels.count == 2, isKnownNamespace(String(labels[1])) {
            return "the host '\(host)' is the short name of a Service in namespace '\(labels[1])'"
        }
        if !allowedHosts.isEmpty, !allowedHosts.contains(where: { Self.matches(host, pattern: $0) }) {
            return "the host '\(host)' is none of those that 'allowedHosts' names"
        }
        return nil
    }

    /// The hosts that instances may have.
    package var hostRules: HostRules {
        let block: CIDRBlock? =
            switch addresses {
            case .block(let block): block
            case .istiod: Self.istiodBlock
            case .none: nil
            }
        return HostRules(allowsLoopback: allowsLoopback, allowsNames: allowsHostNames, virtualBlock: block)
    }

    /// Whether a host, or the domain of hosts, is the cluster's own.
    func isOfCluster(_ host: String) -> Bool {
        ["localhost", "svc", clusterDomain].contains(host) || host.hasSuffix(".svc")
            || host.hasSuffix("." + clusterDomain)
    }

    /// Whether the cluster certainly has such a namespace.
    func isKnownNamespace(_ name: String) -> Bool { Self.commonNamespaces.contains(name) || name == namespace }

    private static let commonNamespaces: Set<String> = [
        "default", "kube-system", "kube-public", "kube-node-lease", "istio-system",
    ]

    /// - Parameter pattern: A host, with `*` at one end at most.
    package static func matches(_ host: String, pattern: String) -> Bool {
        if pattern.hasPrefix("*") { return host.hasSuffix(pattern.dropFirst()) }
        if pattern.hasSuffix("*") { return host.hasPrefix(pattern.dropLast()) }
        return host == pattern
    }
}
