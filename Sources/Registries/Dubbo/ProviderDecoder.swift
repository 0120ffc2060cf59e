internal import Addressing
package import Services

/// Reads provider registrations of Dubbo's interface-level layout: `<root>/<interface>/providers/<encoded URL>`.
package struct ProviderDecoder: Sendable {
    /// The meaning of one registration.
    package enum Outcome: Hashable, Sendable {
        case provider(Provider)
        /// One of Dubbo's own interfaces, or no provider.
        case ignored
        case unusable(UnusableProvider)
    }

    /// The parameters that become attributes of an instance. All others are dropped: they would cost memory, and
    /// volatile ones such as `pid` would make every restart a change.
    package let keptParameters: [String]
    private let hosts: HostRules
    private let traits: TraitsCache

    package init(keptParameters: [String], hosts: HostRules = HostRules()) {
        self.hosts = hosts
        self.keptParameters = keptParameters.sorted()
        traits = TraitsCache(attributeKeys: self.keptParameters)
    }

    /// The interface of a directory of the registry; `nil` for a directory that can't be an interface's.
    package static func interface(directory: String) -> String? {
        guard let name = ByteText.formDecoded(directory).flatMap(ByteText.string), !name.isEmpty,
            !name.utf8.contains(where: { Self.foreignBytes.contains($0) || $0 <= 0x20 })
        else { return nil }
        return name
    }

    /// No name of an interface has these. One with a `%` was encoded twice: no consumer asks for it.
    private static let foreignBytes = Set("/:%?".utf8)

    /// Whether Dubbo uses the interface for itself.
    package static func isInternal(interface: String) -> Bool {
        internalInterfaces.contains(interface) || interface.hasPrefix("org.apache.dubbo.mock.")
    }

    /// A znode's name for logs: the part before the parameters, without user and password, at most 200 characters long.
    /// Parameters may hold tokens and passwords.
    package static func withoutSecrets(node: String) -> String {
        let text = ByteText.formDecoded(node).map { String(decoding: $0, as: UTF8.self) } ?? node
        let shown = text.prefix { $0 != "?" && $0 != "%" }
        guard let at = text.lastIndex(of: "@") else { return String(shown.prefix(200)) }
        // A password may hold any character, so nothing before the last '@' is safe to show.
        let scheme = text.prefix { $0.isLetter }
        return scheme + "://…" + (at < shown.endIndex ? shown[at...].prefix(200) : "")
    }

    private static let internalInterfaces: Set<String> = [
        "org.apache.dubbo.metadata.MetadataService", "org.apache.dubbo.metadata.MetadataServiceV2",
        "com.alibaba.dubbo.monitor.MonitorService", "org.apache.dubbo.monitor.MonitorService",
        "org.apache.dubbo.registry.RegistryService", "com.alibaba.dubbo.registry.RegistryService",
    ]

    /// - Parameters:
    ///   - node: The znode's name, which is the whole URL, encoded once.
    ///   - interface: The interface under which the znode stands. Some SDKs name it neither in the path nor in a
    ///     parameter.
    package func decode(node: String, interface: String) -> Outcome {
        if Self.isInternal(interface: interface) { return .ignored }
        do throws(ProviderURL.Malformed) {
            let url = try ProviderURL(node: node)
            return try interpret(url, interface: interface, group: url["group"], version: url["version"])
        } catch {
            return .unusable(UnusableProvider(reason: error.reason, isUnderstood: error.isUnderstood))
        }
    }

    /// Reads a provider that a registry describes by its address and the parameters of its URL.
    package func decode(_ registration: ProviderRegistration) -> Outcome {
        if Self.isInternal(interface: registration.interface) { return .ignored }
        let url = ProviderURL(
            host: registration.host, port: registration.port, parameters: registration.parameters)
        do throws(ProviderURL.Malformed) {
            return try interpret(
                url, interface: registration.interface, group: registration.group ?? url["group"],
                version: registration.version ?? url["version"])
        } catch {
            return .unusable(UnusableProvider(reason: error.reason))
        }
    }

    private func interpret(
        _ url: ProviderURL, interface: String, group: String?, version: String?
    ) throws(ProviderURL.Malformed) -> Outcome {
        if url.scheme == "empty" || url.scheme == "consumer" || url["side"] == "consumer" { return .ignored }
        if let category = url["category"], category != "providers" { return .ignored }
        if let bytes = url.bytes(of: "interface"), !bytes.equals(interface), let named = ByteText.string(bytes) {
            return .unusable(
                UnusableProvider(
                    reason: "it names the interface '\(named.prefix(100))' but stands under '\(interface)'"))
        }
        if url.scheme.isEmpty { return .unusable(UnusableProvider(reason: "it names no protocol")) }
        let schemes = Self.schemes(of: url)
        let protocols = schemes.compactMap { FormatDefaults.dubbo.portProtocol(scheme: $0) }
        let others = schemes.filter { FormatDefaults.dubbo.portProtocol(scheme: $0) == nil }
        if protocols.isEmpty { return .unusable(unknown(others, url)) }
        let (host, port) = try url.hostAndPort()
        let place = try self.host(host, of: url)
        guard let weight = weight(of: url) else {
            return .unusable(
                UnusableProvider(reason: "the weight '\(url["weight"]?.prefix(20) ?? "")' is not a number"))
        }
        let version = FormatDefaults.dubbo.qualifier(ServiceID.Key.version, version)
        let isEnabled = weight > 0 && url["disabled"]?.lowercased() != "true" && url["enabled"]?.lowercased() != "false"
        return .provider(
            Provider(
                services: protocols.map {
                    ServiceID(name: interface, protocol: $0, group: group ?? "", version: version)
                },
                instance: Instance(
                    host: place, port: port, weight: weight, isEnabled: isEnabled,
                    traits: traits.traits(
                        application: url.bytes(of: "application"), values: keptParameters.map { url.bytes(of: $0) })),
                otherProtocols: others))
    }

    /// The protocols that the provider serves at its port, each once. `ext.protocol` has those beside the URL's own.
    private static func schemes(of url: ProviderURL) -> [String] {
        var schemes = [url.scheme]
        guard let others = url["ext.protocol"] else { return schemes }
        for other in others.split(separator: ",") {
            let scheme = other.filter { $0 != " " }.lowercased()
            if !scheme.isEmpty, !schemes.contains(scheme) { schemes.append(scheme) }
        }
        return schemes
    }

    private func unknown(_ schemes: [String], _ url: ProviderURL) -> UnusableProvider {
        let known = FormatDefaults.dubbo.protocols.map(\.scheme).joined(separator: ", ")
        let endpoint = (try? url.hostAndPort()).flatMap { address in
            (try? host(address.host, of: url)).map { Endpoint(host: $0, port: address.port) }
        }
        return UnusableProvider(
            reason: "the protocol '\(url.scheme.prefix(20))' is none of \(known)", protocols: schemes,
            endpoint: endpoint, isUnderstood: (try? url.hostAndPort()) != nil)
    }

    /// A provider without an address in the URL's host may have one in the parameter `ipv6`. Where it has both, the
    /// host counts: an endpoint has one address.
    private func host(_ text: String, of url: ProviderURL) throws(ProviderURL.Malformed) -> InstanceHost {
        let host = Result { () throws(UnreachableHost) in try hosts.host(text) }
        if case .success(.address(let address)) = host { return .address(address) }
        if let other = url["ipv6"], IPAddress(other) != nil, let address = try? hosts.host(other) { return address }
        switch host {
        case .success(let name): return name
        case .failure(let problem):
            throw ProviderURL.Malformed(reason: problem.reason, isUnderstood: problem.isHost)
        }
    }

    /// `nil` for a weight that is no number. Dubbo takes a negative weight for 0.
    private func weight(of url: ProviderURL) -> UInt32? {
        guard let text = url["weight"] else { return Instance.defaultWeight }
        guard let value = Int64(text) else { return nil }
        return FormatDefaults.dubbo.relativeWeight(Double(value))
    }
}
