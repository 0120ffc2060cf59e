import IstioAPI
import IstiodOracle
import JSON

extension SidecarView {
    /// As the recordings have it. They leave out the clusters and names of Kubernetes Services, and sort endpoints.
    func recorded(withoutHosts left: Set<String>) -> JSONValue {
        var json = JSONObject()
        let own = clusters.filter { !left.contains($0.value.host) }
        json["clusters"] = .object(JSONObject(own.map { (key: $0.key, value: $0.value.recorded) }))
        json["listeners"] = .object(JSONObject(listeners.map { (key: $0.key, value: $0.value.recorded) }))
        let names = names.filter { !left.contains($0.key) }
        json["names"] = .object(JSONObject(names.map { (key: $0.key, value: .array($0.value.map { .string($0) })) }))
        let virtualHosts = routes.flatMap { route, hosts in
            hosts.map { (key: "\(route) \($0.key)", value: $0.value.recorded) }
        }
        json["routes"] = .object(JSONObject(virtualHosts))
        for key in json.keys where json[key] == [:] { json[key] = nil }
        return .object(json)
    }
}

extension SidecarView.Cluster {
    fileprivate var recorded: JSONValue {
        var json = JSONObject()
        json["type"] = .string(discovery.rawValue)
        json["endpoints"] = .array(endpoints.map(\.recorded).sorted { $0.sortKey < $1.sortKey })
        json["socketMatches"] =
            allowsMutualTLS ? ["hbone", "tlsMode-istio", "tlsMode-disabled"] : ["hbone", "tlsMode-disabled"]
        // The recorder wrote the mere presence of the option, as `false`.
        if port.protocol?.isHTTP2 == true { json["http2"] = false }
        return .object(json)
    }
}

extension SidecarView.Endpoint {
    fileprivate var recorded: JSONValue {
        var json = JSONObject()
        json["address"] = .string("\(address):\(port)")
        json["weight"] = .integer(Int64(weight))
        if !locality.isEmpty {
            let parts = locality.split(separator: "/").map(String.init) + ["", ""]
            json["locality"] = .string(parts.prefix(3).joined(separator: "/"))
        }
        if isMutualTLS { json["tls"] = "istio" }
        return .object(json)
    }
}

extension SidecarView.Listener {
    fileprivate var recorded: JSONValue {
        switch self {
        case .tcp(let cluster): [.string("tcp \(cluster)")]
        case .http(let route):
            [
                .string(
                    #"{"transportProtocol":"raw_buffer","applicationProtocols":["http/1.1","h2c"]} http route \#(route)"#
                ),
                "{} tcp PassthroughCluster",
            ]
        }
    }
}

extension SidecarView.VirtualHost {
    fileprivate var recorded: JSONValue {
        ["clusters": [.string(cluster)], "domains": .array(domains.map { .string($0) })]
    }
}

extension JSONValue {
    /// Of an endpoint.
    var sortKey: String { "\(self["address"]?.string ?? "") \(self["weight"]?.integer ?? 0)" }

    /// A recorded sidecar with the endpoints in the order in which the oracle's are compared.
    var withSortedEndpoints: JSONValue {
        var json = object ?? JSONObject()
        for name in json["clusters"]?.object?.keys ?? [] {
            guard let endpoints = json["clusters"]?[name]?["endpoints"]?.array else { continue }
            let sorted = JSONValue.array(endpoints.sorted { $0.sortKey < $1.sortKey })
            json["clusters"] = json["clusters"]?.applying(mergePatch: [name: ["endpoints": sorted]])
        }
        for key in json.keys where json[key] == [:] { json[key] = nil }
        return .object(json)
    }
}
