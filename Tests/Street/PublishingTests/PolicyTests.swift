import Deliveries
import IstioAPI
import Publishing
import Testing

@Suite("What may be published")
struct PolicyTests {
    private static func problems(_ text: String, _ policy: PublicationPolicy = .sample()) -> [String] {
        var centre = Publications.sample(policy)
        centre.read(["a": text])
        return centre.problems
    }

    @Test(
        "a registry's hosts may be routed, and no others",
        arguments: [
            ("orders.mesh", true), ("*.orders.mesh", true), ("*", false), ("orders", false), ("mesh", false),
            ("orders.shop.svc.cluster.local", false), ("orders.default", false), ("www.example.com", false),
        ])
    func hosts(host: String, isAllowed: Bool) {
        #expect(Self.problems(Text.route("a", host: "\"\(host)\"")).isEmpty == isAllowed)
    }

    @Test("more hosts may be allowed, but never the cluster's own")
    func allowedHosts() {
        let policy = PublicationPolicy.sample(hosts: ["*.example.com", "*.cluster.local"])
        #expect(Self.problems(Text.route("a", host: "www.example.com"), policy).isEmpty)
        #expect(!Self.problems(Text.route("a", host: "a.b.svc.cluster.local"), policy).isEmpty)
        #expect(!Self.problems(Text.route("a", host: "orders.mesh"), policy).isEmpty)
    }

    @Test("a ServiceEntry can't take a host of the bridged services")
    func bridgedHosts() {
        #expect(!Self.problems(Text.entry("a", host: "orders.mesh")).isEmpty)
        let policy = PublicationPolicy.sample(hosts: ["*.mesh", "*.example.com"])
        #expect(!Self.problems(Text.entry("a", host: "orders.mesh"), policy).isEmpty)
        #expect(Self.problems(Text.entry("a", host: "api.example.com"), policy).isEmpty)
    }

    @Test("namespaces and kinds that are not allowed are refused, EnvoyFilter unless it is named")
    func places() {
        #expect(!Self.problems(Text.route("a", namespace: "kube-system")).isEmpty)
        let filter = """
            apiVersion: networking.istio.io/v1alpha3
            kind: EnvoyFilter
            metadata: { name: a }
            spec: { configPatches: [{ applyTo: CLUSTER }] }
            """
        #expect(!Self.problems(filter).isEmpty)
        #expect(Self.problems(filter, .sample(kinds: [.envoyFilter])).isEmpty)
        #expect(!Self.problems(Text.route("a"), .sample(kinds: [.envoyFilter])).isEmpty)
        #expect(!Self.problems("apiVersion: v1\nkind: Secret\nmetadata: { name: a, namespace: shop }").isEmpty)
    }

    @Test("an object without a namespace goes to the only one that is allowed")
    func standardNamespace() {
        #expect(Self.problems(Text.route("a", namespace: nil)).isEmpty)
        #expect(!Self.problems(Text.route("a", namespace: nil), .sample(namespaces: ["shop", "other"])).isEmpty)
    }

    @Test("a VirtualService stands at gateways only where these are allowed")
    func gateways() {
        let route = Text.route("a").replacing("hosts:", with: "gateways: [mesh, istio-system/public]\n  hosts:")
        #expect(!Self.problems(route).isEmpty)
        #expect(Self.problems(route, .sample(gateways: ["istio-system/public"])).isEmpty)
        let match = Text.route("a").replacing("- route", with: "- match: [{ gateways: [public] }]\n      route")
        #expect(!Self.problems(match).isEmpty)
    }

    @Test(
        "labels and annotations that steer the mesh or the bridge are refused",
        arguments: [
            "istio.io/rev", "topology.kubernetes.io/zone", "isthmus.mesh/instance", "app.kubernetes.io/managed-by",
            "networking.istio.io/exportTo",
        ])
    func labels(key: String) {
        let labelled = Text.route("a").replacing("name: a", with: "name: a\n  labels: { \(key): x }")
        #expect(!Self.problems(labelled).isEmpty)
        let annotated = Text.route("a").replacing("name: a", with: "name: a\n  annotations: { \(key): x }")
        #expect(!Self.problems(annotated).isEmpty)
    }

    @Test("an object that istiod would certainly refuse is refused without asking")
    func violations() {
        #expect(!Self.problems(Text.route("a").replacing("http:", with: "other:")).isEmpty)
        #expect(!Self.problems(Text.route("Not_A_Name")).isEmpty)
        #expect(!Self.problems(Text.entry("a", host: "api.mesh").replacing("443", with: "70000")).isEmpty)
    }

    @Test("what kubectl prints can be published: a List, and fields of the server")
    func kubectl() {
        let list = """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: networking.istio.io/v1
              kind: DestinationRule
              metadata:
                name: a
                namespace: shop
                uid: 9e1
                resourceVersion: "12"
                annotations:
                  kubectl.kubernetes.io/last-applied-configuration: "{}"
              spec: { host: orders.mesh, subsets: [{ name: v1, labels: { version: v1 } }] }
            """
        var centre = Publications.sample()
        centre.read(["a": list])
        #expect(centre.problems.isEmpty)
        let key = ResourceKey(.destinationRule, namespace: "shop", name: "a")
        let annotations = centre.wanted(key)?.resource?.annotations
        #expect(annotations == ["isthmus.mesh/configuration": "ops/a"])
    }

    @Test("texts that are too long, have too many objects, or whose aliases multiply are refused as a whole")
    func limits() {
        #expect(!Self.problems(String(repeating: "# a\n", count: 300_000)).isEmpty)
        #expect(!Self.problems((0...500).map { Text.route("a\($0)") }.joined(separator: "---\n")).isEmpty)
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let list = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            laughs += "a\(level): &a\(level) [\(list)]\n"
        }
        #expect(!Self.problems(laughs).isEmpty)
    }

    @Test("garbage is refused and never crashes")
    func garbage() {
        var random = SystemRandomNumberGenerator()
        let base = Array(Text.route("a").utf8)
        for _ in 0..<300 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = Self.problems(String(decoding: bytes, as: UTF8.self))
        }
    }
}
