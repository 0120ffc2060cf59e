internal import Addressing
internal import JSON
package import Services

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
        record["address"] = address.map { .string("\($0)") }
        record["group"] = id.group.isEmpty ? nil : .string(id.group)
        record["instances"] = instances.isEmpty ? nil : .array(instances.map(\.json))
        record["name"] = .string(id.name)
        // Earlier releases knew no qualifiers but group and version.
        let others = id.qualifiers.filter { $0.key != ServiceID.Key.group && $0.key != ServiceID.Key.version }
        record["objects"] = .object(JSONObject(objects.map { (key: $0.key.name, value: $0.value.json) }))
        record["qualifiers"] =
            others.isEmpty ? nil : .object(JSONObject(others.map { (key: $0.key, value: .string($0.value)) }))
        record["registries"] = .array(registries.map { .string($0) })
        record["version"] = id.version.isEmpty ? nil : .string(id.version)
        return .object(record)
    }
}

extension SnapshotRecord.Object {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object["emptyForMilliseconds"] = emptyFor.map { .integer($0.wholeMilliseconds) }
        object["hasWorkloads"] = hasWorkloads ? true : nil
        object["name"] = .string(name)
        return .object(object)
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
        instance["protocol"] = .string(`protocol`.name)
        instance["startTime"] = startTime == 0 ? nil : .integer(startTime)
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
    /// - Parameter protocols: Those that the line may name.
    /// - Throws: `SnapshotDefect`.
    package init(parsing line: some Collection<UInt8>, protocols: ProtocolTable) throws(SnapshotDefect) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue(parsing: line)
        } catch {
            throw .damaged("\(error)")
        }
        var qualifiers = try json.optional("qualifiers", \.strictTexts) ?? [:]
        for key in [ServiceID.Key.group, ServiceID.Key.version] {
            if let value = try json.optional(key, \.string) { qualifiers[key] = value }
        }
        id = ServiceID(name: try json.needed("name", \.string), qualifiers: qualifiers)
        address = try json.optional("address", \.address)
        registries = try json.needed("registries", \.strictStrings)
        objects = [:]
        for member in try json.needed("objects", \.object).members {
            guard let portProtocol = protocols[member.key] else {
                throw .otherFormat("it knows a protocol '\(member.key)'")
            }
            objects[portProtocol] = try Object(member.value)
        }
        instances = []
        for element in try json.optional("instances", \.array) ?? [] {
            instances.append(try Instance(element, protocols))
        }
    }
}

extension SnapshotRecord.Object {
    fileprivate init(_ json: JSONValue) throws(SnapshotDefect) {
        name = try json.needed("name", \.string)
        emptyFor = try json.optional("emptyForMilliseconds") { json in
            json.integer.flatMap { $0 < 0 ? nil : .milliseconds($0) }
        }
        hasWorkloads = try json.optional("hasWorkloads", \.bool) ?? false
    }
}

extension Instance {
    fileprivate init(_ json: JSONValue, _ protocols: ProtocolTable) throws(SnapshotDefect) {
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
            host: host, port: try json.needed("port") { $0.integer.flatMap { UInt16(exactly: $0) } },
            protocol: try json.needed("protocol") { $0.string.flatMap { protocols[$0] } },
            weight: try json.optional("weight") { $0.integer.flatMap { UInt32(exactly: $0) } } ?? Self.defaultWeight,
            isEnabled: try json.optional("enabled", \.bool) ?? true,
            isHealthy: try json.optional("healthy", \.bool) ?? true,
            application: try json.optional("application", \.string) ?? "", attributes: attributes,
            locality: try json.optional("locality", \.locality) ?? Locality(attributes: attributes),
            startTime: try json.optional("startTime", \.integer) ?? 0)
    }
}

extension JSONValue {
    fileprivate var address: IPAddress? { string.flatMap { IPAddress($0) } }

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
