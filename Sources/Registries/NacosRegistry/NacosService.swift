internal import Conventions
internal import Dubbo
internal import Nacos
internal import Services

/// A service of a Nacos registry: its namespace, its group and its name.
struct NacosService: Hashable, Sendable {
    /// The name of the namespace that Nacos has from the start. Some clients call it by the empty text.
    static let publicNamespace = "public"

    var namespace: String
    var key: ServiceKey

    init(namespace: String = publicNamespace, key: ServiceKey) {
        self.namespace = namespace
        self.key = key
    }

    /// The meaning of its name.
    var role: Role { Role(name: key.name) }
}

extension NacosService: Comparable {
    static func < (left: NacosService, right: NacosService) -> Bool {
        left.namespace == right.namespace ? left.key < right.key : left.namespace < right.namespace
    }
}

extension NacosService: CustomStringConvertible {
    /// `[<namespace>/][<group>@@]<name>`, without what is standard.
    var description: String {
        (namespace == Self.publicNamespace ? "" : namespace + "/")
            + (key.group == ServiceKey.defaultGroup ? "" : key.group + "@@") + key.name
    }
}

extension NacosService {
    /// The meaning of a service's name.
    enum Role: Equatable {
        /// The providers of a Dubbo interface: `providers:<interface>:<version>:<group>`.
        ///
        /// A name with fewer parts is of Dubbo 2.7.3 or earlier, or of one that is compatible with it. There, an empty
        /// part is left out, so that only the parameters of a provider tell which part is which.
        case providers(interface: String, version: String?, group: String?)
        /// Consumers, routers and configurators of Dubbo, and Dubbo's own interfaces.
        case uncarried
        /// The instances of an application.
        case application

        init(name: String) {
            let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count > 1, Self.categories.contains(parts[0]) else {
                self = .application
                return
            }
            guard parts[0] == "providers", ProviderDecoder.interface(directory: parts[1]) == parts[1],
                !ProviderDecoder.isInternal(interface: parts[1])
            else {
                self = .uncarried
                return
            }
            self = .providers(
                interface: parts[1], version: parts.count == 4 ? parts[2] : nil,
                group: parts.count == 4 ? parts[3] : nil)
        }

        private static let categories: Set<String> = ["providers", "consumers", "routers", "configurators"]
    }

    /// The names of the services that its instances may serve; none where they serve none.
    var servedNames: [String] {
        switch role {
        case .providers(let interface, _, _): [interface]
        case .uncarried: []
        case .application: ConventionDecoder.names(of: key.name)
        }
    }
}
