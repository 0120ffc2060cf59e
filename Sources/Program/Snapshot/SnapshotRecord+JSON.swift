internal import Addressing
internal import JSON
internal import Services

// A member with its usual value is left out: a million instances are written every few minutes.

extension SnapshotRecord {
    /// Its line of the file, without the line break.
    package var line: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    func write(to bytes: inout [UInt8]) {
        json.write(to: &bytes)
    }

    private var json: JSONValue {
        var record = JSONObject()
        record["announcers"] = announcers.isEmpty ? nil : JSONValue(strings: announcers.groups)
        record["assignment"] = assignment?.json
        record["group"] = id.group.isEmpty ? nil : .string(id.group)
        record["instances"] = instances.isEmpty ? nil : .array(instances.map(\.json))
        record["name"] = .string(id.name)
        record["protocol"] = .string(id.protocol)
        let others = id.qualifiers.filter { !Self.ownMembers.contains($0.key) }
        record["qualifiers"] =
            others.isEmpty ? nil : .object(JSONObject(others.map { (key: $0.key, value: .string($0.value)) }))
        record["registries"] = .array(registries.map { .string($0) })
        record["version"] = id.version.isEmpty ? nil : .string(id.version)
        return .object(record)
    }

    /// The qualifiers that are members of their own.
    fileprivate static let ownMembers = [ServiceID.Key.group, ServiceID.Key.protocol, ServiceID.Key.version]
}

extension SnapshotRecord.Assignment {
    fileprivate var json: JSONValue {
        var assignment = JSONObject()
        assignment["address"] = address.map { .string("\($0)") }
        assignment["emptyForMilliseconds"] = emptyFor.map { .integer($0.wholeMilliseconds) }
        assignment["hasWorkloads"] = hasWorkloads ? true : nil
        assignment["objectName"] = .string(objectName)
        assignment["port"] = port.map { .integer(Int64($0)) }
        assignment["resolvesNames"] = resolvesNames ? true : nil
        return .object(assignment)
    }
}

extension Instance {
    fileprivate var json: JSONValue {
        var instance = JSONObject()
        // Two keys, so that a name is never mistaken for an address.
        switch host {
        case .address(let address): instance["address"] = .string("\(address)")
        case .name(let name): instance["hostname"] = .string(name)
        }
        instance["application"] = application.isEmpty ? nil : .string(application)
        // A list keeps the order, and a key that stands there twice.
        instance["attributes"] =
            attributes.isEmpty
            ? nil : .array(attributes.map { ["key": .string($0.key), "value": .string($0.value)] })
        instance["enabled"] = isEnabled ? nil : false
        instance["healthy"] = isHealthy ? nil : false
        // This is the usual one. Earlier releases knew no other and wrote none.
        instance["locality"] = locality == Locality(attributes: attributes) ? nil : locality.json
        instance["port"] = .integer(Int64(port))
        instance["weight"] = weight == Instance.defaultWeight ? nil : .integer(Int64(weight))
        return .object(instance)
    }
}

extension Locality {
    fileprivate var json: JSONValue {
        var parts = JSONObject()
        parts["region"] = region.isEmpty ? nil : .string(region)
        parts["subzone"] = subzone.isEmpty ? nil : .string(subzone)
        parts["zone"] = zone.isEmpty ? nil : .string(zone)
        return .object(parts)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(max(seconds, 0), Int64.max / 1000 - 1) * 1000 + max(attoseconds, 0) / 1_000_000_000_000_000
    }
}

// MARK: - Reading

extension SnapshotRecord {
    /// Reads one line of the file. Unknown keys are skipped.
    /// - Returns: One record, or several of a line that an earlier release wrote: it had one for all protocols of a
    ///   service.
    /// - Throws: `SnapshotDefect`.
    package static func records(parsing line: some Collection<UInt8>) throws(SnapshotDefect) -> [SnapshotRecord] {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue(parsing: line)
        } catch {
            throw .damaged("\(error)")
        }
        return json["objects"] == nil ? [try SnapshotRecord(json)] : try records(earlier: json)
    }

    private init(_ json: JSONValue) throws(SnapshotDefect) {
        id = try json.service(of: try json.needed("protocol", \.filledString))
        assignment = nil
        if let member = json["assignment"] {
            assignment = try Assignment(
                member, name: "objectName", address: try member.optional("address", \.address))
        }
        registries = try json.needed("registries", \.strictStrings)
        instances = []
        for element in try json.optional("instances", \.array) ?? [] { instances.append(try Instance(element)) }
        announcers = EndpointAnnouncers(groups: try json.optional("announcers", \.strictTexts) ?? [:])
    }

    /// Each protocol had an object, and each instance named its protocol.
    private static func records(earlier json: JSONValue) throws(SnapshotDefect) -> [SnapshotRecord] {
        let address = try json.optional("address", \.address)
        let registries = try json.needed("registries", \.strictStrings)
        var assignments: [String: Assignment] = [:]
        var instances: [String: [Instance]] = [:]
        for member in try json.needed("objects", \.object).members {
            assignments[member.key] = try Assignment(member.value, name: "name", address: address)
        }
        for element in try json.optional("instances", \.array) ?? [] {
            instances[try element.needed("protocol", \.filledString), default: []].append(try Instance(element))
        }
        var records: [SnapshotRecord] = []
        for name in Set(assignments.keys).union(instances.keys).sorted() {
            records.append(
                SnapshotRecord(
                    id: try json.service(of: name), assignment: assignments[name], registries: registries,
                    instances: instances[name] ?? []))
        }
        return records
    }
}

extension SnapshotRecord.Assignment {
    fileprivate init(_ json: JSONValue, name: String, address: IPAddress?) throws(SnapshotDefect) {
        objectName = try json.needed(name, \.string)
        self.address = address
        port = try json.optional("port", \.port)
        resolvesNames = try json.optional("resolvesNames", \.bool) ?? false
        emptyFor = try json.optional("emptyForMilliseconds") { json in
            json.integer.flatMap { $0 < 0 ? nil : .milliseconds($0) }
        }
        hasWorkloads = try json.optional("hasWorkloads", \.bool) ?? false
    }
}

extension Instance {
    fileprivate init(_ json: JSONValue) throws(SnapshotDefect) {
        let host: InstanceHost
        if let name = try json.optional("hostname", \.string) {
            host = .name(name)
        } else {
            host = .address(try json.needed("address", \.address))
        }
        var attributes: [Attribute] = []
        for element in try json.optional("attributes", \.array) ?? [] {
            attributes.append(
                Attribute(key: try element.needed("key", \.string), value: try element.needed("value", \.string)))
        }
        self.init(
            host: host, port: try json.needed("port", \.port),
            weight: try json.optional("weight") { $0.integer.flatMap { UInt32(exactly: $0) } } ?? Self.defaultWeight,
            isEnabled: try json.optional("enabled", \.bool) ?? true,
            isHealthy: try json.optional("healthy", \.bool) ?? true,
            application: try json.optional("application", \.string) ?? "", attributes: attributes,
            locality: try json.optional("locality", \.locality) ?? Locality(attributes: attributes))
    }
}

extension JSONValue {
    fileprivate var address: IPAddress? { string.flatMap { IPAddress($0) } }

    fileprivate var port: UInt16? { integer.flatMap { UInt16(exactly: $0) } }

    fileprivate var filledString: String? { string.flatMap { $0.isEmpty ? nil : $0 } }

    /// The service that a record describes.
    fileprivate func service(of portProtocol: String) throws(SnapshotDefect) -> ServiceID {
        var qualifiers = try optional("qualifiers", \.strictTexts) ?? [:]
        for key in SnapshotRecord.ownMembers { qualifiers[key] = try optional(key, \.string) }
        qualifiers[ServiceID.Key.protocol] = portProtocol
        guard let id = ServiceID(name: try needed("name", \.string), qualifiers: qualifiers) else {
            throw .otherFormat("it has no 'protocol'")
        }
        return id
    }

    /// `nil` unless all elements are text.
    fileprivate var strictStrings: [String]? {
        guard let array else { return nil }
        let strings = array.compactMap(\.string)
        return strings.count == array.count ? strings : nil
    }

    /// `nil` unless all members are text.
    fileprivate var strictTexts: [String: String]? {
        guard let members = object?.members else { return nil }
        let texts = members.compactMap { member in member.value.string.map { (member.key, $0) } }
        return texts.count == members.count ? Dictionary(texts) { $1 } : nil
    }

    fileprivate var locality: Locality? {
        strictTexts.map { Locality(region: $0["region"] ?? "", zone: $0["zone"] ?? "", subzone: $0["subzone"] ?? "") }
    }

    fileprivate func optional<Value>(
        _ key: String, _ read: (JSONValue) -> Value?
    ) throws(SnapshotDefect) -> Value? {
        guard let member = self[key] else { return nil }
        guard let value = read(member) else { throw .otherFormat("its '\(key)' means nothing to this release") }
        return value
    }

    fileprivate func needed<Value>(_ key: String, _ read: (JSONValue) -> Value?) throws(SnapshotDefect) -> Value {
        guard let value = try optional(key, read) else { throw .otherFormat("it has no '\(key)'") }
        return value
    }
}
