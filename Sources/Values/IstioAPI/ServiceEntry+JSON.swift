package import JSON

extension ServiceEntry {
    /// The `spec` with just the fields that Isthmus decides on.
    package var spec: JSONValue {
        var spec = JSONObject()
        spec["hosts"] = .array(hosts.map { .string($0) })
        if !addresses.isEmpty { spec["addresses"] = .array(addresses.map { .string($0) }) }
        spec["ports"] = .array(ports.map(\.json))
        spec["location"] = .string(location.rawValue)
        spec["resolution"] = .string(resolution.rawValue)
        if let workloadSelector {
            spec["workloadSelector"] = ["labels": JSONValue(strings: workloadSelector)]
        } else {
            // Written even when empty: a service that everyone left must lose its last endpoint.
            spec["endpoints"] = .array(endpoints.map(\.json))
        }
        if !exportTo.isEmpty { spec["exportTo"] = .array(exportTo.map { .string($0) }) }
        return .object(spec)
    }
}

extension ServiceEntry {
    /// The whole object, as it is created.
    package func json(version: String) -> JSONValue { Resource.serviceEntry(self).json(version: version) }
}

extension ServiceEntry.Port {
    var json: JSONValue {
        ["number": .integer(Int64(number)), "name": .string(name), "protocol": .string(`protocol`)]
    }
}

extension ServiceEntry.Endpoint {
    var json: JSONValue {
        var object = JSONObject()
        object["address"] = .string(address)
        if !ports.isEmpty {
            object["ports"] = .object(JSONObject(ports.map { (key: $0.key, value: .integer(Int64($0.value))) }))
        }
        if !labels.isEmpty { object["labels"] = JSONValue(strings: labels) }
        if !locality.isEmpty { object["locality"] = .string(locality) }
        if let weight { object["weight"] = .integer(Int64(weight)) }
        return .object(object)
    }
}
