package import IstioAPI
package import Protobuf

/// `istio.networking.v1alpha3.DestinationRule`, as far as Isthmus writes one.
extension DestinationRule {
    package var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, host)
        if let trafficPolicy { writer.message(2, trafficPolicy.write) }
        for subset in subsets {
            writer.message(3) { message in
                message.string(1, subset.name)
                message.map(2, subset.labels)
            }
        }
        writer.strings(4, exportTo)
        return writer.bytes
    }

    /// Reads a message. Fields that this type doesn't have are left out.
    /// - Throws: `MalformedProtobuf`.
    package init(
        protobuf bytes: ArraySlice<UInt8>, key: ResourceKey, labels: [String: String], annotations: [String: String]
    ) throws(MalformedProtobuf) {
        self.init(key: key, labels: labels, annotations: annotations, host: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: host = try field.string()
            case 2: trafficPolicy = try TrafficPolicy(protobuf: try field.content())
            case 3:
                var subset = Subset(name: "", labels: [:])
                try ProtobufReader.read(try field.content()) { field throws(MalformedProtobuf) in
                    if field.number == 1 { subset.name = try field.string() }
                    if field.number == 2 { try field.entry(into: &subset.labels) }
                }
                subsets.append(subset)
            case 4: exportTo.append(try field.string())
            default: break
            }
        }
    }
}

extension DestinationRule.TrafficPolicy {
    fileprivate func write(_ writer: inout ProtobufWriter) {
        if let usesLocality {
            // loadBalancer.localityLbSetting.enabled, a BoolValue.
            writer.message(1) { $0.message(3) { $0.message(3) { $0.number(1, usesLocality ? 1 : 0) } } }
        }
        if let maximumConnections {
            writer.message(2) { $0.message(1) { $0.signed(1, Int64(maximumConnections)) } }
        }
        if let outlierDetection { writer.message(5, outlierDetection.write) }
    }

    fileprivate init(protobuf bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init()
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1:
                let enabled = try Self.message(3, in: try Self.message(3, in: try field.content()))
                usesLocality = try enabled.map { bytes throws(MalformedProtobuf) in
                    try Self.number(1, in: bytes) != 0
                }
            case 2:
                let tcp = try Self.message(1, in: try field.content())
                maximumConnections = try tcp.map { bytes throws(MalformedProtobuf) in
                    Int32(truncatingIfNeeded: try Self.number(1, in: bytes))
                }
            case 5: outlierDetection = try DestinationRule.OutlierDetection(protobuf: try field.content())
            default: break
            }
        }
    }

    private static func message(
        _ number: Int, in bytes: ArraySlice<UInt8>?
    ) throws(MalformedProtobuf) -> ArraySlice<UInt8>? {
        guard let bytes else { return nil }
        var content: ArraySlice<UInt8>?
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            if field.number == number { content = try field.content() }
        }
        return content
    }

    private static func number(_ number: Int, in bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) -> Int64 {
        var value: Int64 = 0
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            if field.number == number { value = try field.integer() }
        }
        return value
    }
}

extension DestinationRule.OutlierDetection {
    fileprivate func write(_ writer: inout ProtobufWriter) {
        if let interval { writer.message(2, interval.write) }
        if let baseEjectionTime { writer.message(3, baseEjectionTime.write) }
        writer.signed(4, Int64(maximumEjectionPercent ?? 0))
        writer.signed(5, Int64(minimumHealthPercent ?? 0))
        // UInt32Value: a 0 that is there turns the check off.
        if let consecutiveGatewayErrors { writer.message(6) { $0.number(1, UInt64(consecutiveGatewayErrors)) } }
        if let consecutive5xxErrors { writer.message(7) { $0.number(1, UInt64(consecutive5xxErrors)) } }
        writer.number(8, splitsLocalErrors ? 1 : 0)
        if let consecutiveLocalFailures { writer.message(9) { $0.number(1, UInt64(consecutiveLocalFailures)) } }
    }

    fileprivate init(protobuf bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init()
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 2: interval = try Duration(protobuf: try field.content())
            case 3: baseEjectionTime = try Duration(protobuf: try field.content())
            case 4: maximumEjectionPercent = try field.integer()
            case 5: minimumHealthPercent = try field.integer()
            case 6: consecutiveGatewayErrors = try field.wrapped()
            case 7: consecutive5xxErrors = try field.wrapped()
            case 8: splitsLocalErrors = try field.bool()
            case 9: consecutiveLocalFailures = try field.wrapped()
            default: break
            }
        }
    }
}

/// `google.protobuf.Duration`.
extension Duration {
    fileprivate func write(_ writer: inout ProtobufWriter) {
        writer.signed(1, components.seconds)
        writer.signed(2, components.attoseconds / 1_000_000_000)
    }

    fileprivate init(protobuf bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        var (seconds, nanoseconds) = (Int64(0), Int64(0))
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            if field.number == 1 { seconds = try field.integer() }
            if field.number == 2 { nanoseconds = try field.integer() }
        }
        guard (-1_000_000_000...1_000_000_000).contains(nanoseconds) else {
            throw MalformedProtobuf("a duration has \(nanoseconds) nanoseconds")
        }
        self = .seconds(seconds) + .nanoseconds(nanoseconds)
    }
}
