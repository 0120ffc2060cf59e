import Deliveries
import IstioAPI
import Publishing
import Sources
import Testing

@Suite("What a configuration centre publishes")
struct PublicationsTests {
    @Test("a document's objects stand as it says, with the owner's labels and the document's name")
    func published() throws {
        var centre = Publications.sample()
        let effects = centre.read(["routes": Text.route("a") + "---\n" + Text.route("b", to: "v2")])
        #expect(effects.changed == [.route("a"), .route("b")])
        #expect(centre.target("a") == "v1" && centre.target("b") == "v2")
        let resource = try #require(centre.wanted(.route("a"))?.resource)
        #expect(resource.labels == ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"])
        #expect(resource.annotations == ["isthmus.mesh/configuration": "ops/routes"])
    }

    @Test("nothing is said of objects that nobody published")
    func others() {
        var centre = Publications.sample()
        centre.read([:])
        #expect(centre.wanted(.route("a")) == nil)
        #expect(centre.wanted(ResourceKey(namespace: "dubbo", name: "orders")) == nil)
    }

    @Test("a change takes effect at once, and one that changes nothing has no effect")
    func changed() {
        var centre = Publications.sample()
        centre.read(["a": Text.route("a")])
        let change = centre.publish("a", Text.route("a", to: "v2"))
        #expect(change.changed == [.route("a")] && centre.target("a") == "v2")
        let again = centre.publish("a", Text.route("a", to: "v2"))
        #expect(again.changed.isEmpty)
    }

    @Test("a text that is no list of objects leaves the last good version, and the status says why")
    func unreadable() {
        var centre = Publications.sample()
        centre.read(["a": Text.route("a")])
        for text in ["{", "just a text", "- 1", "a: *b", "kind: VirtualService"] {
            centre.publish("a", text)
            #expect(centre.target("a") == "v1")
            #expect(centre.problems.count == 1 && centre.problems[0].contains("last good version"))
        }
        centre.publish("a", Text.route("a", to: "v2"))
        #expect(centre.problems.isEmpty && centre.target("a") == "v2")
    }

    @Test("a refused object keeps its last good form, and the others of its document go on")
    func refusedObject() {
        var centre = Publications.sample()
        centre.read(["a": Text.route("a") + "---\n" + Text.route("b")])
        let bad = Text.route("a", host: "kubernetes.default.svc.cluster.local", to: "v2")
        centre.publish("a", bad + "---\n" + Text.route("b", to: "v2"))
        #expect(centre.target("a") == "v1" && centre.target("b") == "v2")
        #expect(centre.problems.count == 1)
        #expect(centre.problems[0].contains("belongs to the cluster"))
    }

    @Test("a document that can't be read keeps what it published, also one of an earlier run")
    func unreadableDocument() {
        var centre = Publications.sample()
        _ = centre.found([.route("a"): "a", .route("b"): "b"], now: .zero)
        _ = centre.accept(.complete(["a": .unreadable(reason: "no right"), "b": .text(Text.route("b"))]), now: .zero)
        #expect(centre.wanted(.route("a")) == .undecided)
        #expect(centre.target("b") == "v1")
        #expect(centre.isSettled)
        _ = centre.accept(.changed(name: "a", .text(Text.route("a"))), now: .zero)
        #expect(centre.target("a") == "v1")
    }

    @Test("before the first complete read nothing of an earlier run is decided")
    func start() {
        var centre = Publications.sample()
        _ = centre.found([.route("a"): "a"], now: .zero)
        #expect(centre.wanted(.route("a")) == .undecided)
        _ = centre.accept(.interrupted(reason: "refused"), now: .zero)
        #expect(centre.wanted(.route("a")) == .undecided)
        centre.read(["b": Text.route("b")])
        #expect(centre.wanted(.route("a")) == .undecided)
        _ = centre.wake(now: .milliseconds(500))
        #expect(centre.wanted(.route("a")) == .absent)
    }

    @Test("a refused object of an earlier run stays as it is")
    func refusedAfterRestart() {
        var centre = Publications.sample()
        _ = centre.found([.route("a"): "a", .route("gone"): "a"], now: .zero)
        centre.read(["a": Text.route("a", host: "orders") + "---\n" + Text.route("b")])
        _ = centre.wake(now: .seconds(1))
        #expect(centre.wanted(.route("a")) == .undecided)
        #expect(centre.wanted(.route("gone")) == .absent && centre.target("b") == "v1")
    }

    @Test("of two documents with one object the one that has it keeps it, and the other comes when it goes")
    func collision() {
        var centre = Publications.sample(guardPolicy: nil)
        centre.read(["b": Text.route("x", to: "b")])
        centre.publish("a", Text.route("x", to: "a"))
        #expect(centre.target("x") == "b")
        #expect(centre.problems == ["a: VirtualService shop/x: it is in 'b' too, which keeps it"])
        _ = centre.accept(.removed(name: "b"), now: .zero)
        #expect(centre.target("x") == "a" && centre.problems.isEmpty)
    }

    @Test("of two ServiceEntries with one host only one stands")
    func hostCollision() {
        var centre = Publications.sample(.sample(hosts: ["*.example.com"]), guardPolicy: nil)
        centre.read(["a": Text.entry("a", host: "api.example.com"), "b": Text.entry("b", host: "api.example.com")])
        #expect(centre.wanted(ResourceKey(namespace: "shop", name: "a"))?.resource != nil)
        #expect(centre.wanted(ResourceKey(namespace: "shop", name: "b")) == nil)
        #expect(centre.problems.count == 1)
    }

    @Test("a centre that can't be reached changes nothing")
    func interrupted() {
        var centre = Publications.sample()
        centre.read(["a": Text.route("a")])
        let effects = centre.accept(.interrupted(reason: "refused"), now: .seconds(1))
        #expect(effects.changed.isEmpty)
        #expect(centre.target("a") == "v1")
        #expect(centre.health == .stale(reason: "refused", since: .seconds(1)))
    }

    @Test("more documents than the limit are left out, and those that were there stay")
    func limit() {
        var centre = Publications(name: "ops", policy: .sample(), guardPolicy: nil, documentLimit: 2)
        let first = ["y": Text.route("y"), "z": Text.route("z")]
        centre.read(first)
        centre.read(first.merging(["a": Text.route("a")]) { $1 })
        centre.publish("b", Text.route("b"))
        #expect(centre.report.documents == 2 && centre.problems.count == 1)
        #expect(centre.wanted(.route("a")) == nil && centre.wanted(.route("b")) == nil)
        #expect(centre.target("y") == "v1" && centre.target("z") == "v1")
    }
}
