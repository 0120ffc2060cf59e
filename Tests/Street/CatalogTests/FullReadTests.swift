import Catalog
import Services
import Sources
import Testing

@Suite("full reads")
struct FullReadTests {
    private var store = CatalogStore(registries: ["zk"])

    @Test("until a full read is complete the last good view stands")
    mutating func framed() {
        store.read([.cart: ["a": .sample(1)]])
        #expect(store.apply(.begin, from: "zk") == [])
        #expect(
            store.apply(.services(name: ServiceID.order.name, [.order: keyed(["b": .sample(2)])]), from: "zk") == [])
        #expect(store.service(.cart).instances == [.sample(1)])
        #expect(store.service(.order).instances == [])
        #expect(store.apply(.complete, from: "zk") == [.cart, .order])
        #expect(store.service(.cart).instances == [])
        #expect(store.service(.order).instances == [.sample(2)])
        #expect(store.serviceIDs == [.order])
    }

    @Test("an interrupted full read changes nothing but the health")
    mutating func interrupted() {
        store.read([.cart: ["a": .sample(1)]])
        _ = store.apply(.begin, from: "zk")
        _ = store.apply(.services(name: ServiceID.cart.name, [:]), from: "zk")
        #expect(store.apply(.interrupted(reason: "connection lost"), from: "zk") == [])
        #expect(store.service(.cart).instances == [.sample(1)])
        #expect(store.apply(.complete, from: "zk") == [])
        #expect(store.service(.cart).instances == [.sample(1)])
        #expect(store.health.map(\.health) == [.stale(reason: "connection lost", since: .zero)])
        #expect(!store.isHealthy && store.isComplete)
    }

    @Test("a full read that begins again forgets what the first one had read")
    mutating func restarted() {
        _ = store.apply(.begin, from: "zk")
        _ = store.apply(.services(name: ServiceID.cart.name, [.cart: keyed(["a": .sample(1)])]), from: "zk")
        #expect(store.read([.order: ["b": .sample(2)]]) == [.order])
        #expect(store.serviceIDs == [.order])
    }

    @Test("a name that can't be read keeps its last good view, and only that name")
    mutating func unreadable() {
        let cart2 = ServiceID(name: ServiceID.cart.name, protocol: .dubbo, version: "2")
        store.read([.cart: ["a": .sample(1)], cart2: ["b": .sample(2)], .order: ["c": .sample(3)]])
        _ = store.apply(.begin, from: "zk")
        #expect(store.apply(.unreadable(name: ServiceID.cart.name, reason: "no permission"), from: "zk") == [])
        #expect(store.apply(.complete, from: "zk") == [.order])
        #expect(store.service(.cart).instances == [.sample(1)])
        #expect(store.service(cart2).instances == [.sample(2)])
        #expect(store.service(.order).instances == [])
    }

    @Test("a name that can't be read outside a full read keeps its last good view")
    mutating func unreadableAlone() {
        store.read([.cart: ["a": .sample(1)]])
        #expect(store.apply(.unreadable(name: ServiceID.cart.name, reason: "no permission"), from: "zk") == [])
        #expect(store.service(.cart).instances == [.sample(1)])
    }

    @Test("two spellings of a name stand side by side, also when one can't be read", arguments: [true, false])
    mutating func spellings(unreadableFirst: Bool) {
        store.read([.cart: ["a": .sample(1)]])
        let readable = SourceEvent.services(name: ServiceID.cart.name, [.cart: keyed(["b": .sample(2)])])
        let unreadable = SourceEvent.unreadable(name: ServiceID.cart.name, reason: "no permission")
        _ = store.apply(.begin, from: "zk")
        for event in unreadableFirst ? [unreadable, readable] : [readable, unreadable] {
            _ = store.apply(event, from: "zk")
        }
        #expect(store.apply(.complete, from: "zk") == [.cart])
        #expect(store.service(.cart).instances == [.sample(1), .sample(2)])
    }

    @Test("a full read that finds what is known changes nothing")
    mutating func unchanged() {
        store.read([.cart: ["a": .sample(1)], .order: ["b": .sample(2)]])
        #expect(store.read([.cart: ["a": .sample(1)], .order: ["b": .sample(2)]]) == [])
    }

    @Test("a change amid a full read counts at once, and still does when the read is complete")
    mutating func changesInside() {
        store.read([.cart: ["a": .sample(1)]])
        _ = store.apply(.begin, from: "zk")
        _ = store.apply(
            .services(name: ServiceID.cart.name, [.cart: keyed(["a": .sample(1), "b": .sample(2)])]), from: "zk")
        #expect(store.add("c", .sample(3)) == [.cart])
        #expect(store.remove("a") == [.cart])
        #expect(store.service(.cart).instances == [.sample(3)])
        _ = store.apply(.complete, from: "zk")
        #expect(store.service(.cart).instances == [.sample(2), .sample(3)])
    }

    @Test("health goes from starting over healthy to stale, and back with the next complete read")
    mutating func health() {
        #expect(!store.isHealthy && !store.isComplete)
        _ = store.apply(.interrupted(reason: "refused"), from: "zk")
        #expect(store.health.map(\.health) == [.starting(reason: "refused")])
        store.read([:])
        #expect(store.isHealthy && store.isComplete)
        _ = store.apply(.interrupted(reason: "lost"), from: "zk")
        #expect(store.health.map(\.health) == [.stale(reason: "lost", since: .zero)])
        store.read([:])
        #expect(store.isHealthy)
    }

    @Test("a registry that isn't configured says nothing")
    mutating func unknown() {
        #expect(store.read([.cart: ["a": .sample(1)]], from: "other") == [])
        #expect(store.serviceIDs == [])
    }
}
