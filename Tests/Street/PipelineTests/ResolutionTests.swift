import Dubbo
import IstioAPI
import Planning
import Services
import Sources
import Testing
import Translation

@testable import Pipeline

@Suite("fault 29: providers by address and by host name in one service")
struct ResolutionTests {
    private static let id = ServiceID(name: "a.Cart", protocol: .dubbo)

    private static func named(_ number: UInt8) -> Instance {
        Instance(host: .name("cart-\(number).example"), port: 20880)
    }

    private static func scene(_ cluster: Cluster = Cluster()) -> Scene {
        var scene = Scene(cluster)
        scene.begin()
        return scene
    }

    private static func read(_ instances: [Instance]) -> [SourceEvent] {
        let keyed = instances.map { (InstanceKey("\($0.host)"), $0) }
        return [
            .begin, .services(name: "a.Cart", [id: Dictionary(uniqueKeysWithValues: keyed)]), .complete,
        ]
    }

    private static let names = (UInt8(1)...30).map { named($0) }
    private static let places = names.map { "\($0.host)" }

    @Test("an address that joins thirty names takes nobody's traffic, and changes no resolution; it leaves as it came")
    func addressJoins() {
        var scene = Self.scene()
        for event in Self.read(Self.names) { scene.accept(event) }
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "DNS")
        #expect(Set(scene.cluster.endpoints("a.cart") ?? []) == Set(Self.places))
        scene.accept(.added(Self.id, InstanceKey("address"), .sample(1)))
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "DNS")
        #expect(Set(scene.cluster.endpoints("a.cart") ?? []) == Set(Self.places + ["10.0.0.1"]))
        scene.accept(.removed(Self.id, InstanceKey("address")))
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "DNS")
        #expect(scene.machine.overview(problemLimit: 9).problems.isEmpty)
        #expect(scene.machine.overview(problemLimit: 9).resolved == [Self.id])
    }

    @Test("a name that joins addresses changes the resolution once; it goes back an hour after the last name went")
    func nameJoins() {
        var scene = Self.scene()
        scene.read(["a.Cart": Array(1...30)])
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "STATIC")
        for round in 1...3 {
            scene.accept(.added(Self.id, InstanceKey("name"), Self.named(1)))
            scene.settle()
            #expect(scene.cluster.resolution("a.cart") == "DNS")
            #expect(scene.cluster.endpoints("a.cart")?.count == 31)
            scene.accept(.removed(Self.id, InstanceKey("name")))
            scene.settle()
            scene.pass(.seconds(round == 3 ? 3590 : 1800))
            scene.settle()
            #expect(scene.cluster.resolution("a.cart") == "DNS" && scene.cluster.endpoints("a.cart")?.count == 30)
        }
        scene.pass(.seconds(12))
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "STATIC" && scene.cluster.endpoints("a.cart")?.count == 30)
        #expect(scene.machine.overview(problemLimit: 9).resolved == [])
    }

    @Test("a service of names that everyone leaves does not dial its own name")
    func empty() {
        var scene = Self.scene()
        for event in Self.read([Self.named(1)]) { scene.accept(event) }
        scene.settle()
        scene.accept(.removed(Self.id, InstanceKey("cart-1.example")))
        scene.settle()
        #expect(scene.cluster.resolution("a.cart") == "STATIC" && scene.cluster.endpoints("a.cart") == [])
    }

    @Test("a restart keeps the resolution, from the object as from a snapshot")
    func restart() {
        var scene = Self.scene()
        for event in Self.read(Self.names + [.sample(1)]) { scene.accept(event) }
        scene.accept(.added(Self.id, InstanceKey("address"), .sample(1)))
        scene.settle()
        var restarted = Self.scene(scene.cluster)
        restarted.read(["a.Cart": [1]])
        restarted.settle()
        #expect(
            restarted.cluster.resolution("a.cart") == "DNS" && restarted.cluster.endpoints("a.cart") == ["10.0.0.1"])
        var recalled = Scene()
        recalled.recall(scene.snapshot())
        recalled.begin()
        recalled.read(["a.Cart": [1]])
        recalled.settle()
        #expect(recalled.cluster.resolution("a.cart") == "DNS")
    }
}
