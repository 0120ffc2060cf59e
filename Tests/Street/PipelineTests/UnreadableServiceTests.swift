import IstioAPI
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

    @Test("an instance that joins it says nothing of the others; it follows the registry again with a readable list")
    func mended() {
        var scene = Self.restarted()
        scene.readAll([Self.unreadable])
        scene.add("a.Cart", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.1"])
        let list = [ServiceID(name: "a.Cart", protocol: "dubbo"): [InstanceKey("a.Cart-2"): Instance.sample(2)]]
        scene.accept(.services(name: "a.Cart", list))
        scene.settle()
        #expect(scene.cluster.endpoints("a.cart") == ["10.0.0.2"])
        scene.readAll([])
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
