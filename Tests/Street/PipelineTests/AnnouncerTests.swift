import Catalog
import Deliveries
import Dubbo
import IstioAPI
import Planning
import Services
import Sources
import Testing
import Translation

@testable import Pipeline

/// Faults 27 and 28, on values.
@Suite("two registries that announce one service")
struct AnnouncerTests {
    private static func scene(
        _ cluster: Cluster = Cluster(), registries: [String] = ["zk", "nacos"], inlineLimit: Int = 1000
    ) -> Scene {
        var scene = Scene(
            cluster, registries: registries,
            policy: .init(namespace: "dubbo", inlineLimit: .init(endpoints: inlineLimit)), guardPolicy: GuardPolicy())
        scene.begin()
        return scene
    }

    /// zk announces 1, 2 and 3; nacos 3, 4 and 5.
    private static func earlier(inlineLimit: Int = 1000) -> Cluster {
        var scene = scene(inlineLimit: inlineLimit)
        scene.read(["a.Cart": [1, 2, 3], "a.Order": [9]], from: "zk")
        scene.read(["a.Cart": [3, 4, 5]], from: "nacos")
        scene.settle()
        return scene.cluster
    }

    private func endpoints(_ scene: Scene) -> Set<String> { Set(scene.cluster.endpoints("a.cart") ?? []) }

    @Test(
        "fault 27: after a restart with one of them down, the other's arrivals and removals pass, and nothing else goes",
        arguments: [1000, 2])
    func restart(inlineLimit: Int) {
        var scene = Self.scene(Self.earlier(inlineLimit: inlineLimit), inlineLimit: inlineLimit)
        scene.accept(.interrupted(reason: "refused"), from: "nacos")
        scene.read(["a.Cart": [1, 6], "a.Order": [9]], from: "zk")
        scene.settle()
        // zk has 1 and 6; of the others only nacos knows, which announced 3, too.
        #expect(endpoints(scene) == [UInt8(1), 3, 4, 5, 6].addresses)
        scene.add("a.Cart", 7)
        scene.remove("a.Cart", 1)
        scene.settle()
        #expect(endpoints(scene) == [UInt8(3), 4, 5, 6, 7].addresses)
        // A second restart knows it as well.
        scene = Self.scene(scene.cluster, inlineLimit: inlineLimit)
        scene.read(["a.Cart": [6], "a.Order": [9]], from: "zk")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(3), 4, 5, 6].addresses)
        scene.read(["a.Cart": [4]], from: "nacos")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(4), 6].addresses)
        #expect(scene.hold(of: "zk") == nil && scene.hold(of: "nacos") == nil)
    }

    @Test("fault 27: the one that is down also got another name", arguments: [1000, 2])
    func renamed(inlineLimit: Int) {
        var scene = Self.scene(
            Self.earlier(inlineLimit: inlineLimit), registries: ["zk", "west"], inlineLimit: inlineLimit)
        scene.read(["a.Cart": [2, 6], "a.Order": [9]], from: "zk")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(2), 3, 4, 5, 6].addresses)
        scene.read(["a.Cart": [3, 4, 5]], from: "west")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(2), 3, 4, 5, 6].addresses)
        scene.remove("a.Cart", 5, in: "west")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(2), 3, 4, 6].addresses)
    }

    @Test("a restart with all of them writes nothing, in whatever order they are read", arguments: [1000, 2])
    func noWrites(inlineLimit: Int) {
        let before = Self.earlier(inlineLimit: inlineLimit)
        for order in [["zk", "nacos"], ["nacos", "zk"]] {
            var scene = Self.scene(before, inlineLimit: inlineLimit)
            for registry in order {
                scene.read(
                    registry == "zk" ? ["a.Cart": [1, 2, 3], "a.Order": [9]] : ["a.Cart": [3, 4, 5]], from: registry)
                scene.settle()
            }
            #expect(scene.cluster.writes == before.writes)
        }
    }

    @Test("a service of one registry says nothing more than before, nor one that all announce alike")
    func common() {
        var scene = Self.scene()
        scene.read(["a.Cart": [1, 2], "a.Order": [9]], from: "zk")
        scene.read(["a.Cart": [1, 2]], from: "nacos")
        scene.settle()
        for object in scene.cluster.objects.values { #expect(object.annotations[OwnerMark.announcers] == nil) }
    }

    @Test("a provider that leaves both registries, one after the other, costs one write", arguments: [1000, 2])
    func leaves(inlineLimit: Int) {
        var scene = Self.scene(inlineLimit: inlineLimit)
        for registry in ["zk", "nacos"] { scene.read(["a.Cart": [1, 2, 3, 4, 5]], from: registry) }
        scene.settle()
        let writes = scene.cluster.writes
        scene.remove("a.Cart", 5, in: "zk")
        scene.settle()
        #expect(scene.cluster.writes == writes)
        scene.remove("a.Cart", 5, in: "nacos")
        scene.settle()
        #expect(scene.cluster.writes == writes + 1)
        #expect(endpoints(scene) == [UInt8(1), 2, 3, 4].addresses)
    }

    @Test("a one-shot reconcile without one of them decides what the other announces, and leaves the rest alone")
    func partly() {
        var scene = Self.scene(Self.earlier())
        scene.read(["a.Cart": [1, 6]], from: "zk")
        var isConcluded = scene.concludes()
        #expect(!isConcluded)
        scene.accept(.services(name: "a.Order", [:]), from: "zk")
        isConcluded = scene.concludes(partly: true)
        #expect(isConcluded)
        scene.accept(.interrupted(reason: "stopped"), from: "zk")
        scene.settle()
        #expect(endpoints(scene) == [UInt8(1), 3, 4, 5, 6].addresses)
        #expect(scene.cluster.endpoints("a.order") == [])
        let unknown = ResourceKey(namespace: "dubbo", name: "a.unknown")
        #expect(scene.wanted(unknown) == .undecided && scene.machine.undecided(unknown) == ["nacos"])
        var other = Self.scene(Self.earlier())
        other.read(["a.Cart": [3, 4, 5]], from: "nacos")
        isConcluded = other.concludes(partly: true)
        #expect(isConcluded)
        #expect(other.wanted("a.order") == .undecided)
        #expect(other.machine.undecided(ResourceKey(namespace: "dubbo", name: "a.order")) == ["zk"])
        var none = Self.scene(Self.earlier())
        isConcluded = none.concludes(partly: true)
        #expect(!isConcluded)
    }

    @Test("what stands in the mesh for each registry is counted, read or not", arguments: [1000, 2])
    func standing(inlineLimit: Int) {
        var scene = Self.scene(Self.earlier(inlineLimit: inlineLimit), inlineLimit: inlineLimit)
        func standing() -> [String] {
            scene.machine.overview(problemLimit: 0).standing.sorted { $0.key < $1.key }.map {
                "\($0.key) \($0.value.services) \($0.value.instances)"
            }
        }
        #expect(standing() == ["nacos 1 3", "zk 2 4"])
        scene.read(["a.Cart": [1, 6]], from: "zk")
        scene.settle()
        // The order's last instance waits for a second read.
        #expect(standing() == ["nacos 1 3", "zk 2 3"])
        scene.accept(.services(name: "a.Order", [:]), from: "zk")
        scene.settle()
        #expect(standing() == ["nacos 1 3", "zk 1 2"])
    }
}

extension Scene {
    fileprivate mutating func concludes(partly: Bool = false) -> Bool {
        partly ? machine.concludePartly() : machine.concludeIfSettled()
    }
}
