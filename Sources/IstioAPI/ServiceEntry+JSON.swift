package import JSON

extension ServiceEntry {
    package static let group = "networking.istio.io"
    package static let kind = "ServiceEntry"
    package static let plural = "serviceentries"

    /// The `spec` with just the fields that Isthmus decides on.
    package var spec: JSONValue {
        var spec = JSONObject()
        spec["hosts"] = .array(hosts.map { .string($0) })
        if !addresses.isEmpty { spec["addresses"] = .array(addresses.map { .string($0) }) }
        spec["ports"] = .array(ports.map(\.json))
        spec["location"] = .string(location.rawValue)
        spec["resolution"] = .string(resolution.rawValue)
        // Written even when empty: a service that everyone left must lose its last endpoint.
        spec["endpoints"] = .array(endpoints.map(\.json))
        if !exportTo.isEmpty { spec["exportTo"] = .array(exportTo.map { .string($0) }) }
        return .object(spec)
    }

    /// The whole object, as it is created.
    /// - Parameter version: The API version to write, such as `v1beta1`; the schemas of all are the same.
    package func json(version: String) -> JSONValue {
        [
            "apiVersion": .string("\(Self.group)/\(version)"),
            "kind": .string(Self.kind),
            "metadata": [
                "name": .string(key.name), "namespace": .string(key.namespace),
                "labels": JSONValue(strings: labels), "annotations": JSONValue(strings: annotations),
            ],
            "spec": spec,
        ]
    }
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
