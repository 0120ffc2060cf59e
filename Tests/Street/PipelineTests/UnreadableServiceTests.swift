import Catalog
import Dubbo
import IstioAPI
import Pipeline
import Planning
import Services
import Sources
import Testing

/// After a restart only the cluster's objects know what a service was whose providers can't be read any more.
@Suite("a service whose providers can't be read")
struct UnreadableServiceTests {
    /// A cluster in which a service has an object, and a new bridge in front of it that has read nothing yet.
    private static func restarted() -> Scene {
        var before = Scene()
        before.begin()
        before.read(["a.Cart": [1]])
        before.settle()
        var after = Scene(before.cluster)
        after.begin()
        return after
    }

    private static let unreadable = SourceEvent.unreadable(name: "a.Cart", reason: "garbage")

    @Test("it keeps its object over a restart, and over further reads that bring nothing better")
    func kept() {
        var scene = Self.restarted()
        scene.readAll([Self.unreadable])
        scene.readAll([Self.unreadable])
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(scene.cluster.writes == 1)
    }

    @Test("fault 33: events about it count all the same; it follows the registry again with a readable list")
    func mended() {
        var scene = Self.restarted()
        scene.readAll([Self.unreadable])
        scene.add("a.Cart", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2"])
        let left = SourceEvent.removed(
            ServiceID(name: "a.Cart", protocol: .dubbo), InstanceKey("a.Cart-1"), at: Instance.sample(1).endpoint)
        scene.accept(left)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        let list = [ServiceID(name: "a.Cart", protocol: "dubbo"): [InstanceKey("a.Cart-2"): Instance.sample(2)]]
        scene.accept(.services(name: "a.Cart", list))
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        scene.readAll([])
        #expect(scene.cluster.endpoints("a.cart") == [])
    }

    @Test("fault 32: a list without anything that can be used stands for nothing better, until a release")
    func leftOver() {
        var scene = Self.restarted()
        scene.readAll([.unreadable(name: "a.Cart", reason: "garbage", isAnswered: true)])
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        let release = scene.release()
        #expect(release?.instances == 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
        scene.readAll([.unreadable(name: "a.Cart", reason: "garbage", isAnswered: true)])
        let other = scene.release()
        #expect(scene.cluster.endpoints("a.cart") == [] && other == nil)
    }

    @Test("fault 32: a registry that holds only what can't be carried is not empty")
    func nothingCarried() {
        var before = Scene(guardPolicy: GuardPolicy())
        before.begin()
        before.read(["a.Cart": [1]])
        before.settle()
        var scene = Scene(before.cluster, guardPolicy: GuardPolicy())
        scene.begin()
        let note = RegistryNote(
            sort: "protocol:hessian", subject: "registrations", count: 1, effect: "none", areInstances: true)
        scene.readAll([.services(name: "a.Cart", [:]), .notes([note])])
        let read = scene.nextRead()
        #expect(scene.hold() == nil && read == .names(["a.Cart"]))
        scene.accept(.services(name: "a.Cart", [:]))
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == [])
    }

    @Test("a list that says that nobody is left is believed")
    func emptied() {
        var scene = Self.restarted()
        scene.readAll([Self.unreadable])
        scene.accept(.services(name: "a.Cart", [:]))
        scene.settle()
        scene.readAll([.services(name: "a.Cart", [:])])
        #expect(scene.cluster.endpoints("a.cart") == [])
    }
}

extension Scene {
    fileprivate mutating func readAll(_ events: [SourceEvent]) {
        for event in [.begin] + events + [.complete] { accept(event) }
        settle()
    }
}
