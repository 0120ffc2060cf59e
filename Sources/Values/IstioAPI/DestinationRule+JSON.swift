package import JSON

extension DestinationRule {
    /// The `spec` with just the fields that are set.
    package var spec: JSONValue {
        var spec = JSONObject()
        spec["host"] = .string(host)
        if let policy = trafficPolicy { spec["trafficPolicy"] = policy.json }
        if !subsets.isEmpty { spec["subsets"] = .array(subsets.map(\.json)) }
        if !exportTo.isEmpty { spec["exportTo"] = .array(exportTo.map { .string($0) }) }
        return .object(spec)
    }

    /// Reads an object. Fields that this type doesn't have are left out; `nil` for another kind, or without a host.
    package init?(_ object: ConfigObject) {
        guard object.kind == ResourceKind.destinationRule.rawValue, let host = object.spec["host"]?.string else {
            return nil
        }
        self.init(
            key: ResourceKey(.destinationRule, namespace: object.namespace, name: object.name), labels: object.labels,
            annotations: object.annotations, host: host,
            trafficPolicy: object.spec["trafficPolicy"].flatMap(TrafficPolicy.init),
            subsets: (object.spec["subsets"]?.array ?? []).compactMap(Subset.init),
            exportTo: object.spec["exportTo"]?.texts ?? [])
    }
}

extension DestinationRule.TrafficPolicy {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        if let maximumConnections {
            object["connectionPool"] = ["tcp": ["maxConnections": .integer(Int64(maximumConnections))]]
        }
        if let usesLocality { object["loadBalancer"] = ["localityLbSetting": ["enabled": .bool(usesLocality)]] }
        if let outlierDetection { object["outlierDetection"] = outlierDetection.json }
        return .object(object)
    }

    fileprivate init?(_ json: JSONValue) {
        guard json.object != nil else { return nil }
        self.init(
            outlierDetection: json["outlierDetection"].flatMap(DestinationRule.OutlierDetection.init),
            usesLocality: json["loadBalancer"]?["localityLbSetting"]?["enabled"]?.bool,
            maximumConnections: json["connectionPool"]?["tcp"]?["maxConnections"]?.number())
    }
}

extension DestinationRule.OutlierDetection {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object["consecutive5xxErrors"] = consecutive5xxErrors.map { .integer(Int64($0)) }
        object["consecutiveGatewayErrors"] = consecutiveGatewayErrors.map { .integer(Int64($0)) }
        if splitsLocalErrors { object["splitExternalLocalOriginErrors"] = true }
        object["consecutiveLocalOriginFailures"] = consecutiveLocalFailures.map { .integer(Int64($0)) }
        object["interval"] = interval.map { .string(ProtobufDuration.text($0)) }
        object["baseEjectionTime"] = baseEjectionTime.map { .string(ProtobufDuration.text($0)) }
        object["maxEjectionPercent"] = maximumEjectionPercent.map { .integer(Int64($0)) }
        object["minHealthPercent"] = minimumHealthPercent.map { .integer(Int64($0)) }
        return .object(object)
    }

    fileprivate init?(_ json: JSONValue) {
        guard json.object != nil else { return nil }
        self.init(
            consecutive5xxErrors: json["consecutive5xxErrors"]?.number(),
            consecutiveGatewayErrors: json["consecutiveGatewayErrors"]?.number(),
            splitsLocalErrors: json["splitExternalLocalOriginErrors"]?.bool ?? false,
            consecutiveLocalFailures: json["consecutiveLocalOriginFailures"]?.number(),
            interval: json["interval"]?.string.flatMap(ProtobufDuration.duration),
            baseEjectionTime: json["baseEjectionTime"]?.string.flatMap(ProtobufDuration.duration),
            maximumEjectionPercent: json["maxEjectionPercent"]?.number(),
            minimumHealthPercent: json["minHealthPercent"]?.number())
    }
}

extension DestinationRule.Subset {
    fileprivate var json: JSONValue { ["name": .string(name), "labels": JSONValue(strings: labels)] }

    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string else { return nil }
        self.init(name: name, labels: json["labels"]?.strings ?? [:])
    }
}

extension JSONValue {
    fileprivate func number<Number: FixedWidthInteger>() -> Number? { integer.flatMap { Number(exactly: $0) } }
}
