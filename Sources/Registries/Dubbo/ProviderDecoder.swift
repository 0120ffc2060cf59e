internal import Addressing
package import Services

/// Reads provider registrations of Dubbo's interface-level layout: `<root>/<interface>/providers/<encoded URL>`.
package struct ProviderDecoder: Sendable {
    /// The meaning of one registration.
    package enum Outcome: Hashable, Sendable {
        case instance(ServiceID, Instance)
        /// One of Dubbo's own interfaces, or no provider.
        case ignored
        /// A provider that can't be carried into the mesh, and the reason.
        case unusable(reason: String)
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
            !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") || $0 <= 0x20 })
        else { return nil }
        return name
    }

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
            return try interpret(try ProviderURL(node: node), interface: interface)
        } catch {
            return .unusable(reason: error.reason)
        }
    }

    private func interpret(_ url: ProviderURL, interface: String) throws(ProviderURL.Malformed) -> Outcome {
        if url.scheme == "empty" || url.scheme == "consumer" || url["side"] == "consumer" { return .ignored }
        if let category = url["category"], category != "providers" { return .ignored }
        if let bytes = url.bytes(of: "interface"), !bytes.equals(interface), let named = ByteText.string(bytes) {
            return .unusable(reason: "it names the interface '\(named.prefix(100))' but stands under '\(interface)'")
        }
        guard let portProtocol = FormatDefaults.dubbo.portProtocol(scheme: url.scheme) else {
            let known = FormatDefaults.dubbo.protocols.map(\.scheme).joined(separator: ", ")
            return .unusable(reason: "the protocol '\(url.scheme.prefix(20))' is none of \(known)")
        }
        let (host, port) = try url.hostAndPort()
        let place = try self.host(host, of: url)
        guard let weight = weight(of: url) else {
            return .unusable(reason: "the weight '\(url["weight"]?.prefix(20) ?? "")' is not a number")
        }
        let version = FormatDefaults.dubbo.qualifier(ServiceID.Key.version, url["version"])
        let id = ServiceID(
            name: interface, protocol: portProtocol, group: url["group"] ?? "", version: version)
        let isEnabled = weight > 0 && url["disabled"]?.lowercased() != "true" && url["enabled"]?.lowercased() != "false"
        return .instance(
            id,
            Instance(
                host: place, port: port, weight: weight, isEnabled: isEnabled, traits: traits.traits(of: url),
                startTime: url["timestamp"].flatMap { Int64($0) } ?? 0))
    }

    /// A provider without an address in the URL's host may have one in the parameter `ipv6`. Where it has both, the host
    /// counts: an endpoint has one address.
    private func host(_ text: String, of url: ProviderURL) throws(ProviderURL.Malformed) -> InstanceHost {
        let host = Result { () throws(UnreachableHost) in try hosts.host(text) }
        if case .success(.address(let address)) = host { return .address(address) }
        if let other = url["ipv6"], IPAddress(other) != nil, let address = try? hosts.host(other) { return address }
        switch host {
        case .success(let name): return name
        case .failure(let problem): throw ProviderURL.Malformed(reason: problem.reason)
        }
    }

    /// `nil` for a weight that is no number. Dubbo takes a negative weight for 0.
    private func weight(of url: ProviderURL) -> UInt32? {
        guard let text = url["weight"] else { return Instance.defaultWeight }
        guard let value = Int64(text) else { return nil }
        return FormatDefaults.dubbo.relativeWeight(Double(value))
    }
}
