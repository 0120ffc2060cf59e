import IstioAPI
import IstiodOracle
import JSON

/// The objects of a cluster, for tests to change.
struct World {
    private(set) var objects: [ConfigObject] = []

    mutating func add(_ object: ConfigObject) {
        var object = object
        object.created = "2026-01-01T00:00:\(objects.count + 10)Z"
        objects.append(object)
    }

    mutating func remove(_ name: String) { objects.removeAll { $0.name == name } }
    mutating func removeAll(where isUnwanted: (ConfigObject) -> Bool) { objects.removeAll(where: isUnwanted) }

    mutating func change(_ name: String, _ change: (inout ConfigObject) -> Void) {
        for index in objects.indices where objects[index].name == name { change(&objects[index]) }
    }

    mutating func patch(_ name: String, _ patch: JSONValue) {
        change(name) { $0.spec = $0.spec.applying(mergePatch: patch) }
    }

    /// Changes one endpoint of an entry.
    mutating func patchEndpoint(_ index: Int, of name: String, _ patch: JSONValue) {
        change(name) { object in
            var endpoints = object.inlineEndpoints
            endpoints[index] = endpoints[index].applying(mergePatch: patch)
            object.spec = object.spec.applying(mergePatch: ["endpoints": .array(endpoints)])
        }
    }
}

extension ConfigObject {
    /// A STATIC entry with a TCP port, as the recordings have them.
    static func entry(
        _ name: String = "a", host: String = "com.acme.orders.mesh", address: String = "240.240.1.1",
        endpoints: [JSONValue], _ patch: JSONValue = [:]
    ) -> ConfigObject {
        let spec: JSONValue = [
            "hosts": [.string(host)], "location": "MESH_INTERNAL", "addresses": [.string(address)],
            "ports": [["number": 20880, "name": "dubbo", "protocol": "TCP"]], "resolution": "STATIC",
            "endpoints": .array(endpoints),
        ]
        return ConfigObject(
            kind: "ServiceEntry", namespace: "dubbo", name: name, spec: spec.applying(mergePatch: patch))
    }

    static func workload(_ name: String, _ address: String, labels: [String: String]) -> ConfigObject {
        ConfigObject(
            kind: "WorkloadEntry", namespace: "dubbo", name: name, labels: labels,
            spec: ["address": .string(address), "labels": JSONValue(strings: labels)])
    }

    /// The API server's own Service.
    static let kubernetes = ConfigObject(
        kind: "Service", namespace: "default", name: "kubernetes",
        spec: ["clusterIP": "10.96.0.1", "ports": [["name": "https", "port": 443]]])
}

extension JSONValue {
    static func endpoint(_ address: String) -> JSONValue { ["address": .string(address)] }
}
