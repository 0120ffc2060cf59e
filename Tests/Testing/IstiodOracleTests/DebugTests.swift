import IstioAPI
import IstiodOracle
import JSON
import Testing

/// istiod's debug endpoints with four services. `configz` shows two of them only; the others are made anew here.
@Suite("what istiod's debug endpoints tell of objects")
struct DebugTests {
    private static func body(_ name: String) throws -> JSONValue {
        try #require(try Recording("debug/\(name).json").json["body"])
    }

    private static func istiod() throws -> Istiod {
        let objects = try #require(try body("configz").array).compactMap { ConfigObject($0) }
        #expect(objects.map(\.name) == ["a", "dns"])
        var (selecting, empty) = (
            ConfigObject.entry(
                "sel", host: "sel.mesh", address: "240.240.1.3", endpoints: [],
                [
                    "endpoints": .null, "workloadSelector": ["labels": ["svc": "sel"]],
                    "ports": [["number": 50051, "name": "tri", "protocol": "GRPC"]],
                ]),
            ConfigObject.entry("empty", host: "empty.mesh", address: "240.240.1.4", endpoints: [])
        )
        selecting.created = "2026-11-30T21:18:04Z"
        empty.created = "2026-11-30T21:18:04Z"
        var workload = ConfigObject.workload("sel-1", "10.1.0.7", labels: ["svc": "sel"])
        workload.spec = workload.spec.applying(mergePatch: ["serviceAccount": "orders"])
        return Istiod(objects + [selecting, empty, workload])
    }

    @Test("registryz has the services")
    func registry() throws {
        let told = try Self.istiod().services.map(\.registryz)
        let recorded = try #require(try Self.body("registryz").array).map { service in
            service.keeping(told.first?.object?.keys ?? [])
        }
        #expect(Set(told) == Set(recorded))
        #expect(told.count == recorded.count)
    }

    /// Not modelled: labels of the topology, which istiod derives.
    @Test("endpointShardz has the endpoints")
    func endpoints() throws {
        let istiod = try Self.istiod()
        let recorded = try #require(try Self.body("endpointShardz").object)
        let hosts = Set(istiod.services.map(\.host))
        #expect(hosts.subtracting(recorded.keys) == ["empty.mesh"])
        for host in recorded.keys {
            let shard = recorded[host]?["dubbo"]?["Shards"]?["External/Kubernetes"]?.array ?? []
            let told = istiod.endpoints(of: host, inNamespace: "dubbo").map(\.shardz)
            #expect(
                told
                    == shard.map { endpoint in
                        let labels = (endpoint["Labels"]?.strings ?? [:]).filter { !$0.key.hasPrefix("topology.") }
                        var kept = endpoint.keeping(told.first?.object?.keys ?? []).object ?? JSONObject()
                        kept["Labels"] = JSONValue(strings: labels)
                        kept["Locality"] = endpoint["Locality"]?["Label"]
                        return .object(kept)
                    })
        }
    }

    @Test("adsz has what a sidecar subscribes to")
    func subscriptions() throws {
        let client = try #require(try Self.body("adsz")["clients"]?.array?.first)
        let namespace = try #require(client["metadata"]?["NAMESPACE"]?.string)
        let objects = try Self.istiod().objects + [.kubernetes]
        let view = Istiod(objects).sidecarView(of: namespace)
        let watches = try #require(client["watches"])
        func watched(_ type: String) -> Set<String> {
            Set(watches["type.googleapis.com/envoy.config.\(type)"]?.texts ?? [])
        }
        let streamed = view.clusters.filter { $0.value.discovery == .endpoints }
        #expect(watched("endpoint.v3.ClusterLoadAssignment") == Set(streamed.keys))
        #expect(watched("route.v3.RouteConfiguration") == Set(view.routes.keys))
    }

    @Test("instancesz has the endpoints at a proxy's own address")
    func instances() throws {
        let address = try #require(
            try Self.body("adsz")["clients"]?.array?.first?["metadata"]?["INSTANCE_IPS"]?.string)
        let istiod = try Self.istiod()
        let own = istiod.services.flatMap { istiod.endpoints(of: $0.host, inNamespace: $0.namespace) }
            .filter { $0.address == address }
        #expect(try Self.body("instancesz")["client-1.shop"]?.array?.count == own.count)
    }

    @Test("the others tell of streams and of istiod itself, which isn't modelled")
    func others() throws {
        let modelled: Set = ["adsz.json", "configz.json", "endpointShardz.json", "instancesz.json", "registryz.json"]
        let others = try Recording.names(".json", in: "debug").filter { !modelled.contains($0) }
        #expect(others == ["connections.json", "krtz.json", "list.json", "push_status.json", "syncz.json"])
        for name in others { #expect(try Recording("debug/\(name)").json["status"]?.integer == 200) }
    }
}

extension MeshService {
    fileprivate var registryz: JSONValue {
        let resolutions: [ServiceTraits.Resolution: Int64] = [
            .static: 0, .dns: 1, .none: 2, .dnsRoundRobin: 3, .dynamicDNS: 5,
        ]
        let labels: JSONValue = labels.isEmpty ? .null : JSONValue(strings: labels)
        return [
            "Attributes": [
                "ServiceRegistry": registry == .external ? "External" : "Kubernetes", "Name": .string(host),
                "Namespace": .string(namespace), "Labels": labels, "ObjectName": .string(objectName),
                "ExportTo": exportTo.isEmpty ? .null : .array(exportTo.sorted().map { .string($0) }),
                "LabelSelectors": selector.isEmpty ? .null : JSONValue(strings: selector),
            ],
            "ports": .array(
                ports.map {
                    [
                        "name": .string($0.name), "port": .integer(Int64($0.number)),
                        "protocol": .string($0.protocol?.rawValue ?? ""),
                    ]
                }),
            "creationTime": .string(created), "hostname": .string(host), "defaultAddress": .string(address ?? ""),
            "Resolution": .integer(resolutions[resolution] ?? -1), "MeshExternal": .bool(isExternal),
        ]
    }
}

extension MeshEndpoint {
    fileprivate var shardz: JSONValue {
        [
            "Labels": JSONValue(strings: labels), "Addresses": [.string(address)],
            "ServicePortName": .string(portName), "LegacyClusterPortKey": .integer(Int64(servicePort)),
            "ServiceAccount": .string(serviceAccount), "Locality": .string(locality),
            "EndpointPort": .integer(Int64(port)), "LbWeight": .integer(Int64(weight)),
            "TLSMode": isMutualTLS ? "istio" : "disabled", "WorkloadName": .string(workloadName),
        ]
    }
}

extension JSONValue {
    /// Of an object and of the objects in it, just these members.
    fileprivate func keeping(_ keys: [String]) -> JSONValue {
        let attributes = [
            "ServiceRegistry", "Name", "Namespace", "Labels", "ObjectName", "ExportTo", "LabelSelectors",
        ]
        let members = (object?.members ?? []).filter { keys.contains($0.key) }
        return .object(
            JSONObject(
                members.map { member in
                    (
                        key: member.key,
                        value: member.key == "Attributes" ? member.value.keeping(attributes) : member.value
                    )
                }))
    }
}
