package import IstioAPI
package import Protobuf

/// `istio.networking.v1alpha3.ServiceEntry`. The numbers stand in `Tests/Fixtures/xds/*.proto`.
extension ServiceEntry {
    package var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.strings(1, hosts)
        writer.strings(2, addresses)
        for port in ports {
            writer.message(3) { message in
                message.number(1, UInt64(port.number))
                message.string(2, port.protocol)
                message.string(3, port.name)
            }
        }
        writer.number(4, location == .meshInternal ? 1 : 0)
        writer.number(5, resolution.number)
        if let workloadSelector {
            writer.strings(7, exportTo)
            writer.message(9) { $0.map(1, workloadSelector) }
        } else {
            for endpoint in endpoints { writer.content(6, endpoint.protobuf) }
            writer.strings(7, exportTo)
        }
        return writer.bytes
    }

    /// Reads a message. Fields that this type doesn't have are left out.
    /// - Throws: `MalformedProtobuf`, also for a resolution that this type doesn't have.
    package init(
        protobuf bytes: ArraySlice<UInt8>, key: ResourceKey, labels: [String: String], annotations: [String: String]
    ) throws(MalformedProtobuf) {
        self.init(
            key: key, labels: labels, annotations: annotations, hosts: [], addresses: [], ports: [],
            location: .meshExternal, resolution: .none, endpoints: [])
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: hosts.append(try field.string())
            case 2: addresses.append(try field.string())
            case 3: ports.append(try Port(protobuf: try field.content()))
            case 4: location = try field.integer(as: Int32.self) == 1 ? .meshInternal : .meshExternal
            case 5: resolution = try Resolution(number: try field.integer())
            case 6: endpoints.append(try Endpoint(protobuf: try field.content()))
            case 7: exportTo.append(try field.string())
            case 9:
                var selector = workloadSelector ?? [:]
                try ProtobufReader.read(try field.content()) { field throws(MalformedProtobuf) in
                    if field.number == 1 { try field.entry(into: &selector) }
                }
                workloadSelector = selector
            default: break
            }
        }
    }
}

extension ServiceEntry.Resolution {
    fileprivate var number: UInt64 {
        switch self {
        case .none: 0
        case .static: 1
        case .dns: 2
        }
    }

    fileprivate init(number: UInt64) throws(MalformedProtobuf) {
        switch number {
        case 0: self = .none
        case 1: self = .static
        case 2: self = .dns
        default: throw MalformedProtobuf("\(number) is no resolution that is known here")
        }
    }
}

extension ServiceEntry.Port {
    fileprivate init(protobuf bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(number: 0, name: "", protocol: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: number = try field.integer()
            case 2: `protocol` = try field.string()
            case 3: name = try field.string()
            default: break
            }
        }
    }
}

/// `istio.networking.v1alpha3.WorkloadEntry`, which is also an endpoint of a ServiceEntry.
extension ServiceEntry.Endpoint {
    package var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, address)
        writer.map(2, ports) { $0.presentNumber(2, UInt64($1)) }
        writer.map(3, labels)
        writer.string(5, locality)
        writer.number(6, UInt64(weight ?? 0))
        return writer.bytes
    }

    package init(protobuf bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(address: "", ports: [:])
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: address = try field.string()
            case 2:
                try field.entry(into: &ports, default: 0) { field throws(MalformedProtobuf) in try field.integer() }
            case 3: try field.entry(into: &labels)
            case 5: locality = try field.string()
            case 6: weight = try field.integer()
            default: break
            }
        }
    }
}
