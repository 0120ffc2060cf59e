import IstioAPI
import IstiodOracle
import JSON

/// The changes behind `pushes.json` and `pushes-ambient.json`, which have names only: a cluster with some services, in
/// which one change after the other was made.
struct PushScript {
    enum Step: Sendable {
        /// Something that wasn't recorded.
        case given(@Sendable (inout World) -> Void)
        case change(String, @Sendable (inout World) -> Void)
    }

    static let client = Istiod.Client(namespace: "shop", address: "10.244.0.9")

    static let start: World = {
        var world = World()
        world.add(.kubernetes)
        for index in 0..<5 {
            world.add(
                .entry(
                    "other-\(index)", host: "other-\(index).mesh", address: "240.240.9.\(index + 1)",
                    endpoints: [.endpoint("10.2.0.1")]))
        }
        for index in 0..<2 {
            world.add(
                .entry(
                    "d-\(index)", host: "d-\(index).mesh", address: "240.240.8.\(index + 1)",
                    endpoints: [.endpoint("d.acme.internal")], ["resolution": "DNS"]))
        }
        return world
    }()

    static let steps = endpoints + fields + resolution + workloads + many + rules + unselected

    private static let first = JSONValue.endpoint("10.1.0.1")
    private static let second = JSONValue.endpoint("10.1.0.2")
    private static let both: JSONValue = ["endpoints": [first, second]]

    private static let endpoints: [Step] = [
        .change("new ServiceEntry (STATIC, two endpoints)") { $0.add(.entry(endpoints: [first, second])) },
        .change("an endpoint added") { $0.patch("a", ["endpoints": [first, second, .endpoint("10.1.0.3")]]) },
        .change("an endpoint's weight") { $0.patchEndpoint(2, of: "a", ["weight": 3]) },
        .change("an endpoint's label") { $0.patchEndpoint(2, of: "a", ["labels": ["version": "v1"]]) },
        .change("an endpoint's locality") { $0.patchEndpoint(2, of: "a", ["locality": "r1/z1"]) },
        .change("an endpoint's port") { $0.patchEndpoint(2, of: "a", ["ports": ["dubbo": 20999]]) },
        .change("an endpoint's serviceAccount (first one)") {
            $0.patchEndpoint(2, of: "a", ["serviceAccount": "orders"])
        },
        .change("the same account on another endpoint") { $0.patchEndpoint(1, of: "a", ["serviceAccount": "orders"]) },
        .change("accounts gone") {
            $0.patchEndpoint(1, of: "a", ["serviceAccount": .null])
            $0.patchEndpoint(2, of: "a", ["serviceAccount": .null])
        },
        .change("an endpoint's tlsMode label") {
            $0.patchEndpoint(2, of: "a", ["labels": ["security.istio.io/tlsMode": "istio"]])
        },
        .change("an endpoint's canonical-name label") {
            $0.patchEndpoint(2, of: "a", ["labels": ["service.istio.io/canonical-name": "orders"]])
        },
        .change("an endpoint removed") { $0.patch("a", both) },
        .change("the order of the endpoints") { $0.patch("a", ["endpoints": [second, first]]) },
        .change("the last endpoints removed (endpoints: [])") { $0.patch("a", ["endpoints": []]) },
        .change("first endpoint again") { $0.patch("a", ["endpoints": [first]]) },
        .change("endpoints removed by null") { $0.patch("a", ["endpoints": .null]) },
        .change("first endpoint again after null") { $0.patch("a", both) },
        .change("nothing (same content written)") { _ in },
        .change("annotation of the object") { $0.change("a") { $0.annotations["x"] = "1" } },
    ]

    private static let fields: [Step] = [
        .change("label of the object") { $0.change("a") { $0.labels["x"] = "1" } },
        .change("the label's value") { $0.change("a") { $0.labels["x"] = "2" } },
        .change("spec.addresses") { $0.patch("a", ["addresses": ["240.240.1.9"]]) },
        .change("spec.exportTo from nothing to ['*']") { $0.patch("a", ["exportTo": ["*"]]) },
        .change("spec.location") { $0.patch("a", ["location": "MESH_EXTERNAL"]) },
        .change("back") { $0.patch("a", ["location": "MESH_INTERNAL"]) },
        .change("a second port") { world in
            world.change("a") { entry in
                let ports = (entry.spec["ports"]?.array ?? []) + [["number": 20881, "name": "more", "protocol": "TCP"]]
                entry.spec = entry.spec.applying(mergePatch: ["ports": .array(ports)])
            }
        },
        .change("back to one") { $0.patch("a", ["ports": [["number": 20880, "name": "dubbo", "protocol": "TCP"]]]) },
        .change("targetPort") {
            $0.patch("a", ["ports": [["number": 20880, "name": "dubbo", "protocol": "TCP", "targetPort": 20999]]])
        },
        .change("targetPort gone") {
            $0.patch("a", ["ports": [["number": 20880, "name": "dubbo", "protocol": "TCP"]]])
        },
        .change("name of the port") {
            $0.patch("a", ["ports": [["number": 20880, "name": "tcp-dubbo", "protocol": "TCP"]]])
        },
    ]

    private static let resolution: [Step] = [
        .change("STATIC to DNS") { $0.patch("a", ["resolution": "DNS"]) },
        .change("an endpoint added to DNS") {
            $0.patch("a", ["endpoints": [first, second, .endpoint("a.acme.internal")]])
        },
        .change("weight of a DNS endpoint") { $0.patchEndpoint(2, of: "a", ["weight": 3]) },
        .change("DNS to STATIC") { $0.patch("a", ["resolution": "STATIC", "endpoints": [first, second]]) },
    ]

    private static let workloads: [Step] = [
        .change("inline to selector, no WorkloadEntry yet") {
            $0.patch("a", ["endpoints": .null, "workloadSelector": ["labels": ["svc": "a"]]])
        },
        .change("a WorkloadEntry added (first)") { $0.add(.workload("a-1", "10.1.0.1", labels: ["svc": "a"])) },
        .change("a WorkloadEntry added (second)") { $0.add(.workload("a-2", "10.1.0.2", labels: ["svc": "a"])) },
        .change("a WorkloadEntry's weight") { $0.patch("a-2", ["weight": 3]) },
        .change("a WorkloadEntry's annotation") { $0.change("a-2") { $0.annotations["x"] = "1" } },
        .change("a WorkloadEntry's metadata label") { $0.change("a-2") { $0.labels["x"] = "1" } },
        .change("a WorkloadEntry's serviceAccount") { $0.patch("a-2", ["serviceAccount": "orders"]) },
        .change("a WorkloadEntry removed") { $0.remove("a-2") },
        .change("a WorkloadEntry at the sidecar's own address") {
            $0.add(.workload("a-me", client.address, labels: ["svc": "a"]))
        },
        .change("that one removed") { $0.remove("a-me") },
        .change("the last WorkloadEntry removed") { $0.remove("a-1") },
        .change("the ServiceEntry deleted") { $0.remove("a") },
    ]

    private static let many: [Step] = [
        .change("20 new ServiceEntries in a row") { world in
            for index in 0..<20 {
                world.add(
                    .entry(
                        "b-\(index)", host: "b-\(index).mesh", address: "240.240.7.\(index + 1)",
                        endpoints: [first, second]))
            }
        },
        .change("an endpoint added to each of 20") { world in
            for index in 0..<20 {
                world.patch("b-\(index)", ["endpoints": [first, second, .endpoint("10.1.0.7")]])
            }
        },
    ]

    private static func rule(_ name: String, in namespace: String, host: String, connections: Int64) -> ConfigObject {
        ConfigObject(
            kind: "DestinationRule", namespace: namespace, name: name,
            spec: [
                "host": .string(host),
                "trafficPolicy": ["connectionPool": ["tcp": ["maxConnections": .integer(connections)]]],
            ])
    }

    private static let rules: [Step] = [
        .given { world in
            world.removeAll { $0.name.hasPrefix("b-") || $0.name.hasPrefix("d-") }
            world.add(.entry(endpoints: [first, second]))
            world.add(rule("user", in: "shop", host: "com.acme.orders.mesh", connections: 55))
        },
        .change("a wildcard DestinationRule (*.mesh) added") {
            $0.add(rule("w", in: "dubbo", host: "*.mesh", connections: 1))
        },
        .change("its numbers changed") {
            $0.patch("w", ["trafficPolicy": ["connectionPool": ["tcp": ["maxConnections": 2]]]])
        },
        .change("the user's rule removed") { $0.remove("user") },
    ]

    private static let unselected: [Step] = [
        .change("a WorkloadEntry that nothing selects, added") {
            $0.add(.workload("stray", "10.1.0.8", labels: ["svc": "nobody"]))
        },
        .change("… its weight") { $0.patch("stray", ["weight": 3]) },
        .change("… removed") { $0.remove("stray") },
        .change("status of a ServiceEntry written") { $0.change("a") { $0.status = ["observedGeneration": 1] } },
        .given { world in
            world.add(
                .entry(
                    "sel", host: "sel.mesh", address: "240.240.1.3", endpoints: [],
                    ["endpoints": .null, "workloadSelector": ["labels": ["svc": "sel"]]]))
            world.add(.workload("sel-1", "10.1.0.7", labels: ["svc": "sel"]))
            world.add(.workload("sel-2", "10.1.0.8", labels: ["svc": "sel"]))
        },
        .change("a WorkloadEntry removed (none has a service account)") { $0.remove("sel-2") },
    ]
}
