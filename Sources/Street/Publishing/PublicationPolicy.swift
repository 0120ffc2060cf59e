package import IstioAPI
package import Translation

/// What operators may publish in one configuration centre. Everything else in its documents is refused.
///
/// A configuration centre is no mesh administrator: often many people can write to it.
package struct PublicationPolicy: Sendable, Hashable {
    /// The kinds that are taken where the configuration names none.
    package static let standardKinds: Set<ResourceKind> = [
        .destinationRule, .serviceEntry, .sidecar, .virtualService,
    ]
    /// The kinds that can be allowed.
    package static let possibleKinds: Set<ResourceKind> = standardKinds.union([.envoyFilter])

    /// The namespaces that objects may be in; none of them is implied.
    package var namespaces: [String]
    package var kinds: Set<ResourceKind>
    /// The hosts whose traffic objects may decide on, as patterns with `*` at one end.
    package var hosts: [String]
    /// The gateways, beside `mesh`, at which a VirtualService may stand, as it names them.
    package var gateways: [String]
    /// The rules that hold for the services of registries too.
    package var translation: TranslationPolicy

    /// - Parameter hosts: `nil` for the hosts of bridged services, as far as they have a domain.
    package init(
        namespaces: [String], kinds: Set<ResourceKind> = standardKinds, hosts: [String]? = nil,
        gateways: [String] = [], translation: TranslationPolicy
    ) {
        self.namespaces = namespaces
        self.kinds = kinds
        let domain = translation.hosts.domain
        self.hosts = hosts ?? (domain.isEmpty ? [] : ["*.\(domain)"])
        self.gateways = gateways
        self.translation = translation
    }

    /// Why an object may not stand in the mesh; empty for one that may.
    package func refusals(of manifest: Manifest) -> [String] {
        let key = manifest.key
        guard kinds.contains(key.kind) else {
            let known = kinds.map(\.rawValue).sorted().joined(separator: ", ")
            return ["\(key.kind.rawValue) is none of the kinds that 'istio.kinds' allows: \(known)"]
        }
        guard namespaces.contains(key.namespace) else {
            return ["the namespace '\(key.namespace)' is none of those that 'istio.namespaces' allows"]
        }
        return manifest.hosts.compactMap { refusal(ofHost: $0, key.kind) }
            + manifest.gateways.filter { !gateways.contains($0) }.map {
                "the gateway '\($0)' is none of those that 'istio.gateways' allows"
            } + labelRefusals(of: manifest) + manifest.violations.map(\.description)
    }

    private func refusal(ofHost host: String, _ kind: ResourceKind) -> String? {
        if let refusal = translation.refusal(ofHost: host) { return refusal }
        guard hosts.contains(where: { TranslationPolicy.matches(host, pattern: $0) }) else {
            return "the host '\(host)' is none of those that 'istio.hosts' allows"
        }
        // Of two ServiceEntries with one host istiod joins hardly any.
        let domain = translation.hosts.domain
        if kind == .serviceEntry, !domain.isEmpty, host.hasSuffix(".\(domain)") {
            return "the host '\(host)' is in '\(domain)', whose ServiceEntries come from registries only"
        }
        return nil
    }

    private func labelRefusals(of manifest: Manifest) -> [String] {
        (Array(manifest.labels.keys) + manifest.annotations.keys).sorted().filter { key in
            let prefix = key.split(separator: "/").first ?? ""
            return key.contains("/")
                && (prefix == "istio.io" || prefix.hasSuffix(".istio.io") || prefix.hasPrefix("topology.")
                    || prefix == "isthmus.mesh" || key == OwnerMark.managedBy)
        }.map { "'\($0)' steers the mesh or the bridge; a published object may not set it" }
    }
}
