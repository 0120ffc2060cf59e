import Foundation
import IstioAPI
import IstiodOracle
import JSON

extension AmbientView {
    /// As the recordings have it: the protobuf messages as JSON.
    var recorded: JSONValue {
        let services = services.map { (key: $0.key, value: ["service": $0.value.recorded] as JSONValue) }
        let workloads = workloads.map {
            (key: $0.key, value: ["workload": $0.value.recorded(uid: $0.key)] as JSONValue)
        }
        return .object(JSONObject(services + workloads))
    }
}

extension AmbientView.Service {
    fileprivate var recorded: JSONValue {
        var json = JSONObject()
        json["addresses"] = .array(addresses.map { ["address": .string(base64($0))] })
        if isCanonical { json["canonical"] = true }
        json["hostname"] = .string(host)
        json["name"] = .string(name)
        json["namespace"] = .string(namespace)
        json["ports"] = .array(ports.map(\.recorded))
        return .object(json)
    }
}

extension ServiceTraits.Port {
    fileprivate var recorded: JSONValue {
        var json = JSONObject()
        json["servicePort"] = .integer(Int64(number))
        json["targetPort"] = .integer(Int64(target))
        switch `protocol` {
        case .tcp: json["appProtocol"] = "TCP"
        case .http: json["appProtocol"] = "HTTP11"
        case .http2: json["appProtocol"] = "HTTP2"
        case .grpc: json["appProtocol"] = "GRPC"
        case .https, .tls: json["appProtocol"] = "TLS"
        default: break
        }
        return .object(json)
    }
}

extension AmbientView.Workload {
    fileprivate func recorded(uid: String) -> JSONValue {
        var json = JSONObject()
        let bytes = base64(address)
        if bytes.isEmpty { json["hostname"] = .string(address) } else { json["addresses"] = [.string(bytes)] }
        json["canonicalName"] = .string(canonicalName)
        json["canonicalRevision"] = "latest"
        if capacity > 0 { json["capacity"] = .integer(Int64(capacity)) }
        json["clusterId"] = "Kubernetes"
        if !locality.isEmpty {
            let parts = zip(["region", "zone", "subzone"], locality.split(separator: "/"))
            json["locality"] = .object(JSONObject(parts.map { (key: $0.0, value: .string(String($0.1))) }))
        }
        json["name"] = .string(name)
        json["namespace"] = .string(namespace)
        if !serviceAccount.isEmpty { json["serviceAccount"] = .string(serviceAccount) }
        if !services.isEmpty {
            json["services"] = .object(
                JSONObject(services.map { (key: $0.key, value: ["ports": recorded($0.value)] as JSONValue) }))
        }
        json["uid"] = .string(uid)
        json["workloadName"] = .string(name)
        json["workloadType"] = "POD"
        return .object(json)
    }

    private func recorded(_ ports: [UInt16: UInt16]) -> JSONValue {
        .array(
            ports.sorted { $0.key < $1.key }.map {
                ["servicePort": .integer(Int64($0.key)), "targetPort": .integer(Int64($0.value))]
            })
    }
}

/// An IP address as protobuf's JSON has its bytes; empty for a name.
private func base64(_ address: String) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, address, &bytes) == 1 { return Data(bytes.prefix(4)).base64EncodedString() }
    return inet_pton(AF_INET6, address, &bytes) == 1 ? Data(bytes).base64EncodedString() : ""
}
