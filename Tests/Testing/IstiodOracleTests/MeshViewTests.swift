import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Testing

@Suite("where the calls of clients go")
struct MeshViewTests {
    private static let host = "com.acme.orders.mesh"
    private static let provider: JSONValue = ["address": "10.1.0.1", "ports": ["dubbo": 20881]]
    private static let grpc: JSONValue = ["ports": [["number": 50051, "name": "tri", "protocol": "GRPC"]]]

    private static func view(_ objects: [ConfigObject], _ dataPlane: DataPlane) -> MeshView {
        var world = World()
        for object in objects { world.add(object) }
        return Istiod(world.objects).view(from: "shop", through: dataPlane)
    }

    /// Port → where its calls go.
    private static func calls(_ view: MeshView, _ host: String = host) -> [UInt16: [String]]? {
        view.hosts[host]?.endpoints.mapValues { $0.map(\.description) }
    }

    @Test("a host has its virtual address, and its port leads to the endpoints", arguments: DataPlane.allCases)
    func plain(dataPlane: DataPlane) {
        let view = Self.view([.entry(endpoints: [Self.provider, .endpoint("2001:db8::1")])], dataPlane)
        let seen = view.hosts[Self.host]
        #expect(seen?.addresses == ["240.240.1.1"])
        #expect(Self.calls(view)?[20880]?.sorted() == ["10.1.0.1:20881", "[2001:db8::1]:20880"])
        #expect(view.blackHoles.isEmpty)
        let empty = Self.view([.entry(endpoints: [])], dataPlane)
        #expect(Self.calls(empty) == [20880: []])
        #expect(Self.view([], dataPlane).hosts.isEmpty)
    }

    @Test("an HTTP port leads to the endpoints of its host alone", arguments: DataPlane.allCases)
    func authority(dataPlane: DataPlane) {
        let other = ConfigObject.entry(
            "b", host: "b.mesh", address: "240.240.1.2", endpoints: [.endpoint("10.1.0.2")], Self.grpc)
        let view = Self.view([.entry(endpoints: [.endpoint("10.1.0.1")], Self.grpc), other], dataPlane)
        #expect(Self.calls(view) == [50051: ["10.1.0.1:50051"]])
        #expect(Self.calls(view, "b.mesh") == [50051: ["10.1.0.2:50051"]])
    }

    @Test("of two hosts with one address the older one gets the calls of both from a sidecar")
    func sharedAddress() {
        let younger = ConfigObject.entry("b", host: "b.mesh", endpoints: [.endpoint("10.1.0.2")])
        let view = Self.view([.entry(endpoints: [.endpoint("10.1.0.1")]), younger], .sidecar)
        #expect(Self.calls(view, "b.mesh") == [20880: ["10.1.0.1:20880"]])
        #expect(view.blackHoles == [.unreachable(cluster: "outbound|20880||b.mesh")])
    }

    @Test("a second entry of the host that can't be merged is a black hole for both")
    func blackHole() {
        let older = ConfigObject.entry(
            endpoints: [], ["endpoints": .null, "workloadSelector": ["labels": ["svc": "a"]]])
        let younger = ConfigObject.entry("b", endpoints: [.endpoint("10.1.0.3")], Self.grpc)
        let sidecar = Self.view([older, younger], .sidecar)
        #expect(Self.calls(sidecar) == [20880: [], 50051: []])
        #expect(!sidecar.blackHoles.isEmpty)
        let ztunnel = Self.view([older, younger], .ztunnel)
        #expect(Self.calls(ztunnel) == [20880: []])
        #expect(ztunnel.blackHoles == [.hidden(entry: "dubbo/b", host: Self.host)])
    }

    @Test("of one host in two namespaces a client gets its own, or else the oldest", arguments: DataPlane.allCases)
    func namespaces(dataPlane: DataPlane) {
        var own = ConfigObject.entry("own", endpoints: [.endpoint("10.1.0.2")])
        own.namespace = "shop"
        let objects = [ConfigObject.entry(endpoints: [.endpoint("10.1.0.1")]), own]
        #expect(Self.calls(Self.view(objects, dataPlane)) == [20880: ["10.1.0.2:20880"]])
        own.namespace = "till"
        let others = [ConfigObject.entry(endpoints: [.endpoint("10.1.0.1")]), own]
        #expect(Self.calls(Self.view(others, dataPlane)) == [20880: ["10.1.0.1:20880"]])
    }

    @Test("a DNS service without endpoints dials its own name", arguments: DataPlane.allCases)
    func ownName(dataPlane: DataPlane) {
        let view = Self.view([.entry(endpoints: [], ["resolution": "DNS"])], dataPlane)
        #expect(Self.calls(view) == [20880: ["\(Self.host):20880"]])
        #expect(view.blackHoles.count == 1)
    }

    @Test("clients complain of lost calls, and of addresses that either a sidecar or a ztunnel reaches alone")
    func complaints() {
        func complaints(_ objects: [ConfigObject]) -> [String] {
            var world = World()
            for object in objects { world.add(object) }
            return Istiod(world.objects).complaints(from: "shop")
        }
        #expect(complaints([.entry(endpoints: [Self.provider])]) == [])
        let sharedIP: [JSONValue] = [Self.provider, ["address": "10.1.0.1", "ports": ["dubbo": 20882]]]
        #expect(complaints([.entry(endpoints: sharedIP)]) == [])
        // A sidecar drops a name that stands among the addresses of a STATIC entry.
        let named = ConfigObject.entry(endpoints: [Self.provider, .endpoint("a.acme.internal")])
        #expect(complaints([named]) == ["\(Self.host): a sidecar and a ztunnel reach different addresses"])
        let withoutAddress = ConfigObject.entry(endpoints: [Self.provider], ["addresses": .null])
        #expect(complaints([withoutAddress]).count == 1)
    }

    @Test("an endpoint that shares its address is missing behind a ztunnel, as long as it is inline")
    func sharedIP() {
        let objects = [
            ConfigObject.entry(endpoints: [Self.provider, ["address": "10.1.0.1", "ports": ["dubbo": 20882]]])
        ]
        #expect(Self.view(objects, .sidecar).hosts[Self.host]?.endpoints[20880]?.count == 2)
        #expect(Self.calls(Self.view(objects, .ztunnel)) == [20880: ["10.1.0.1:20882"]])
    }
}
