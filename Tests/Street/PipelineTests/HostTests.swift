import IsthmusTesting
import IstioAPI
import JSON
import Planning
import Services
import Sources
import Testing
import Translation

@testable import Pipeline

@Suite("one host, one entry, one port")
struct HostTests {
    private static func begun(_ cluster: Cluster = Cluster(), registries: [String] = ["zk"]) -> Scene {
        var scene = Scene(cluster, registries: registries)
        scene.begin()
        return scene
    }

    @Test("a provider of another protocol is of another service, with a host, an address and a life of its own")
    func protocols() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1]])
        let tri = ServiceID(name: "a.Cart", protocol: "tri")
        scene.accept(.added(tri, InstanceKey("tri"), .sample(1)))
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.cart", "a.cart.p-tri"])
        #expect(scene.cluster.address("a.cart") != scene.cluster.address("a.cart.p-tri"))
        let writes = scene.cluster.writes
        scene.accept(.removed(tri, InstanceKey("tri")))
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart.p-tri") == [] && scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.writes == writes + 1)
    }

    @Test("of two services that differ in case only, the bytewise smaller one has the host at a first start")
    func firstStart() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1], "a.CART": [2], "a.Order": [3]])
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        #expect(scene.cluster.endpoints("a.order") == ["10.0.0.3"])
        let problems = scene.machine.overview(problemLimit: 9).problems
        #expect(problems.map(\.service.name) == ["a.Cart"])
        #expect(problems.first?.problem.reason.contains("dubbo://a.CART has the host 'a.cart.mesh'") == true)
    }

    @Test("the service that has the host keeps it, whatever comes and whoever restarts")
    func keeps() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1]])
        scene.add("a.CART", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        var restarted = Self.begun(scene.cluster)
        restarted.read(["a.CART": [2], "a.Cart": [1]])
        restarted.settle()
        #expect(restarted.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(restarted.cluster.writes == scene.cluster.writes)
    }

    @Test("when the last provider of the one goes, the other one comes at once, with the same address")
    func givesWay() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1]])
        scene.add("a.CART", 2)
        scene.settle()
        let address = scene.cluster.address("a.cart")
        scene.remove("a.Cart", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        #expect(scene.cluster.address("a.cart") == address)
        #expect(scene.machine.overview(problemLimit: 9).problemCount == 0)
        // The former one comes back, and waits now.
        scene.add("a.Cart", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        #expect(scene.machine.overview(problemLimit: 9).problems.map(\.service.name) == ["a.Cart"])
    }

    @Test(
        "a service that becomes empty before the other one comes gives way too, whatever becomes of other registries")
    func alreadyEmpty() {
        var scene = Self.begun(registries: ["zk", "nacos"])
        scene.read(["a.Cart": [1]])
        scene.read(["a.Order": [3]], from: "nacos")
        scene.remove("a.Cart", 1)
        scene.accept(.interrupted(reason: "lost"), from: "nacos")
        scene.add("a.CART", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
    }

    @Test(
        "whatever comes and goes, the one that is delivered has providers, and the other one is named",
        arguments: SeededGenerator.seeds(8))
    func anyOrder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var scene = Self.begun()
        scene.read([:])
        var live: [String: Set<UInt8>] = ["a.Cart": [], "a.CART": [], "a.cart": []]
        for _ in 0..<200 {
            let name = live.keys.sorted().randomElement(using: &random)!
            let host = UInt8.random(in: 1...3, using: &random) + UInt8(name.utf8.reduce(0) { $0 &+ $1 } % 200)
            if live[name]!.remove(host) != nil {
                scene.remove(name, host)
            } else {
                live[name]!.insert(host)
                scene.add(name, host)
            }
            scene.settle()
            let served = live.filter { !$0.value.isEmpty }
            let shown = scene.cluster.endpoints("a.cart").map(Set.init) ?? []
            #expect(served.isEmpty ? shown.isEmpty : served.values.contains { $0.addresses == shown })
            let problems = scene.machine.overview(problemLimit: 9).problemCount
            #expect(problems == max(served.count - 1, 0))
        }
    }

    @Test("objects of an earlier release keep their addresses and endpoints, and get today's host, text and port")
    func earlierRelease() throws {
        var cluster = Cluster()
        for (name, portName, text) in [("a.cart", "tcp-dubbo", "dubbo"), ("a.cart.p-tri", "grpc-tri", "tri")] {
            let key = ResourceKey(namespace: "dubbo", name: name)
            cluster.objects[key] = ActualObject(
                key: key, revision: Revision("earlier"),
                labels: ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"],
                annotations: [
                    "isthmus.mesh/protocol": text, "isthmus.mesh/registries": "zk", "isthmus.mesh/service": "a.Cart",
                ],
                spec: [
                    "hosts": ["a.cart"], "addresses": ["240.16.0.7"],
                    "ports": [["name": .string(portName), "number": 8080, "protocol": "TCP"]],
                    "endpoints": [
                        ["address": "10.0.0.1", "ports": .object(JSONObject([(key: portName, value: 20880)]))]
                    ],
                ])
        }
        var scene = Self.begun(cluster)
        scene.accept(.begin)
        let services = ["dubbo", "tri"].map { ServiceID(name: "a.Cart", protocol: $0) }
        let instances = [InstanceKey("1"): Instance.sample(1)]
        scene.accept(.services(name: "a.Cart", [services[0]: instances, services[1]: instances]))
        scene.accept(.complete)
        scene.settle()
        #expect(scene.cluster.address("a.cart") == "240.16.0.7")
        let tri = try #require(scene.cluster.objects[ResourceKey(namespace: "dubbo", name: "a.cart.p-tri")])
        #expect(tri.spec["hosts"] == ["a.cart.p-tri.mesh"] && tri.spec["ports"]?.array?[0]["number"] == 50051)
        #expect(tri.annotations == ["isthmus.mesh/registries": "zk", "isthmus.mesh/service": "tri://a.Cart"])
        #expect(scene.cluster.address("a.cart.p-tri") != "240.16.0.7")
        #expect(scene.cluster.endpoints("a.cart.p-tri") == ["10.0.0.1"])
    }

    @Test("a snapshot remembers which service has the host, also where no object does")
    func snapshot() {
        var scene = Self.begun()
        scene.read(["a.Cart": [1]])
        scene.add("a.CART", 2)
        var restarted = Scene()
        restarted.recall(scene.snapshot())
        restarted.begin()
        restarted.read(["a.Cart": [1], "a.CART": [2]])
        restarted.settle()
        #expect(restarted.cluster.endpoints("a.cart") == ["10.0.0.1"])
    }
}
