internal import IstioAPI
internal import JSON
package import Services
package import Settings

/// Reads entries as one declaration says.
package struct DeclarationDecoder: Sendable {
    /// The longest key that can be an instance. ZooKeeper and etcd take longer ones.
    static let keyLimit = 8_192
    /// The number of instances that one entry may stand for.
    static let endpointLimit = 64

    package let declaration: Declaration
    private let prefixes: [String]
    private let services: NameFilter
    private let protocols: [String: PortProtocol]
    private let hosts: HostRules
    private let traits: TraitsCache
    private let weights: FormatDefaults

    /// - Parameters:
    ///   - prefixes: As in `DeclaredLayout`.
    ///   - services: The services that are followed, by name.
    ///   - protocols: The protocols that an instance may name.
    ///   - keptAttributes: The attributes of instances that are kept.
    package init(
        _ declaration: Declaration, prefixes: [String] = [], services: NameFilter = NameFilter(),
        protocols: [ProtocolDefaults], keptAttributes: [String], hosts: HostRules = HostRules()
    ) {
        self.declaration = declaration
        self.prefixes = prefixes
        self.services = services
        var known = Dictionary(protocols.map { ($0.scheme, $0.portProtocol) }) { first, _ in first }
        known["h2c"] = .http2
        self.protocols = known.merging(declaration.protocols) { $1 }
        self.hosts = hosts
        traits = TraitsCache(attributeKeys: keptAttributes.sorted())
        weights = FormatDefaults(protocols: [], weight: max(declaration.standardWeight, 1), labels: [])
    }

    package func decode(_ entry: DeclaredEntry) -> DeclaredMeaning {
        guard let rest = rest(of: entry.key) else { return .unrelated }
        if let captures = declaration.key.match(rest) { return instances(entry, captures) }
        for side in declaration.sides {
            if let captures = side.key.match(rest) { return self.side(side, entry, captures) }
        }
        return .unrelated
    }

    /// What follows the root; `nil` for a key of another layout.
    func rest(of key: String) -> ArraySlice<UInt8>? {
        let root = declaration.root.utf8
        let count = key.utf8.count
        guard count <= Self.keyLimit, key.utf8.starts(with: root) else { return nil }
        let rest = Array(key.utf8)[root.count...]
        return prefixes.isEmpty || prefixes.contains { rest.starts(with: $0.utf8) } ? rest : nil
    }

    // MARK: Instances

    private func instances(_ entry: DeclaredEntry, _ captured: [String: ArraySlice<UInt8>]) -> DeclaredMeaning {
        if !declaration.takesLasting, !entry.isEphemeral { return .instances([]) }
        var scope = Scope(captures: [:], value: .null)
        do throws(DecodingFailure) {
            scope.captures = try declaration.key.decode(captured)
        } catch {
            return .unusable(service: nil, reason: "its key can't be decoded: \(error.reason)")
        }
        do throws(DecodingFailure) {
            scope.value = try Decoding.decode(entry.value, declaration.value)
        } catch {
            // Without a value, a name can stand in the key only.
            let name = declaration.service.text(in: scope) ?? scope.captures["service"]?.scalarText
            if let name, !services.includes(name) { return .instances([]) }
            return .unusable(service: name, reason: "its value can't be decoded: \(error.reason)")
        }
        guard let name = declaration.service.text(in: scope), !name.isEmpty else {
            return declaration.conditions.allSatisfy({ $0.holds(in: scope) })
                ? .unusable(service: nil, reason: "it names no service: '\(declaration.service)' leads to no text")
                : .instances([])
        }
        guard services.includes(name) else { return .instances([]) }
        return instances(of: name, scope)
    }

    private func instances(of name: String, _ scope: Scope) -> DeclaredMeaning {
        guard let endpoints = declaration.endpoints else {
            do throws(DecodingFailure) {
                return .instances(try instance(of: name, scope))
            } catch {
                return .unusable(service: name, reason: error.reason)
            }
        }
        var instances: [DeclaredInstance] = []
        var failure: DecodingFailure?
        for endpoint in endpoints.values(in: scope).prefix(Self.endpointLimit) {
            var scope = scope
            scope.endpoint = endpoint
            do throws(DecodingFailure) {
                instances += try instance(of: name, scope)
            } catch {
                failure = failure ?? error
            }
        }
        if instances.isEmpty, let failure { return .unusable(service: name, reason: failure.reason) }
        return .instances(instances)
    }

    /// The services that one endpoint serves: one for each of its ports.
    private func instance(of name: String, _ scope: Scope) throws(DecodingFailure) -> [DeclaredInstance] {
        guard declaration.conditions.allSatisfy({ $0.holds(in: scope) }) else { return [] }
        guard let address = declaration.address.text(in: scope), !address.isEmpty else {
            throw DecodingFailure(reason: "it has no address at '\(declaration.address)'")
        }
        let place = declaration.port == nil ? HostAndPort(address[...]) : HostAndPort(withoutPort: address)
        let host: InstanceHost
        do throws(UnreachableHost) {
            host = try hosts.host(place.host)
        } catch {
            throw DecodingFailure(reason: error.reason)
        }
        let portProtocol = try self.portProtocol(scope)
        let isTLS = ["true", "1"].contains(declaration.tls?.text(in: scope)?.lowercased())
        let id = try service(name, isTLS ? portProtocol.withTLS : portProtocol, scope)
        let captures = scope.captures.compactMapValues(\.scalarText)
        let port = place.port ?? declaration.port?.text(in: scope)
        let tlsPort = declaration.tlsPort?.text(in: scope)
        if port == nil, tlsPort == nil {
            throw DecodingFailure(reason: "it has no port" + (declaration.port.map { " at '\($0)'" } ?? ""))
        }
        var instance = try describe(host, scope)
        var instances: [DeclaredInstance] = []
        if let port {
            instance.port = try number(port)
            instances.append(DeclaredInstance(service: id, instance: instance, captures: captures))
        }
        if let tlsPort {
            instance.port = try number(tlsPort)
            let id = try service(name, portProtocol.withTLS, scope)
            instances.append(DeclaredInstance(service: id, instance: instance, captures: captures))
        }
        return instances
    }

    private func describe(_ host: InstanceHost, _ scope: Scope) throws(DecodingFailure) -> Instance {
        let weight = try relativeWeight(declaration.weight, scope) ?? Instance.defaultWeight
        var attributes: [String: String] = [:]
        for map in declaration.labelMaps {
            for object in map.values(in: scope) {
                for member in object.object?.members ?? [] { attributes[member.key] = member.value.scalarText }
            }
        }
        for label in declaration.labels { attributes[label.name] = label.expression.text(in: scope) }
        if let version = declaration.version?.text(in: scope) { attributes["version"] = version }
        return Instance(
            host: host, port: 0, weight: weight,
            isEnabled: weight > 0 && declaration.enabled.allSatisfy { $0.holds(in: scope) },
            traits: traits.traits(application: declaration.application?.text(in: scope) ?? "") { key in
                attributes[key].flatMap { $0.isEmpty ? nil : $0 }
            })
    }

    private func service(
        _ name: String, _ portProtocol: PortProtocol, _ scope: Scope
    ) throws(DecodingFailure) -> ServiceID {
        var id = ServiceID(name: name, protocol: portProtocol)
        for qualifier in declaration.qualifiers where qualifier.name != ServiceID.Key.protocol {
            let value = qualifier.expression.text(in: scope) ?? ""
            if value != declaration.standardQualifiers[qualifier.name] { id = id.setting(qualifier.name, to: value) }
        }
        return id
    }

    private func portProtocol(_ scope: Scope) throws(DecodingFailure) -> PortProtocol {
        guard let name = declaration.protocolField?.text(in: scope)?.lowercased(), !name.isEmpty else {
            return declaration.standardProtocol
        }
        guard let known = protocols[name] else {
            let known = protocols.keys.sorted().joined(separator: ", ")
            throw DecodingFailure(
                reason: "its protocol '\(name.prefix(40))' is none of \(known); name what it is at 'protocols'")
        }
        return known
    }

    private func number(_ text: String) throws(DecodingFailure) -> UInt16 {
        guard let port = UInt16(text), port > 0 else {
            throw DecodingFailure(reason: "'\(text.prefix(40))' is not a port from 1 to 65535")
        }
        return port
    }

    /// `nil` where there is no weight.
    private func relativeWeight(
        _ expression: FieldExpression?, _ scope: Scope
    ) throws(DecodingFailure) -> UInt32? {
        guard let text = expression?.text(in: scope), !text.isEmpty else { return nil }
        guard let weight = Double(text), weight.isFinite else {
            throw DecodingFailure(reason: "its weight '\(text.prefix(40))' is no number")
        }
        if weight <= 0, declaration.zeroWeight == .standard { return nil }
        return weights.relativeWeight(weight)
    }

    // MARK: Sides

    private func side(
        _ side: Declaration.Side, _ entry: DeclaredEntry, _ captured: [String: ArraySlice<UInt8>]
    ) -> DeclaredMeaning {
        do throws(DecodingFailure) {
            var scope = Scope(captures: try side.key.decode(captured), value: .null)
            scope.value = try Decoding.decode(entry.value, declaration.value)
            return .side(
                DeclaredSide(
                    captures: scope.captures.compactMapValues(\.scalarText),
                    weight: try relativeWeight(side.weight, scope),
                    isEnabled: side.enabled.allSatisfy { $0.holds(in: scope) }))
        } catch {
            return .unusable(service: nil, reason: error.reason)
        }
    }
}

extension HostAndPort {
    init(withoutPort text: String) {
        self.init("\(text):"[...])
        port = nil
    }
}

extension PortProtocol {
    /// The protocol of the same service behind TLS.
    var withTLS: PortProtocol { istioProtocol == .http || self == .https ? .https : .tls }
}
