import Catalog
import Services
import Sources
import Testing

@Suite("changes")
struct ChangeTests {
    private var store = CatalogStore(registries: ["zk", "nacos"])

    @Test("an instance comes, changes and goes; an event without a change is not reported")
    mutating func life() {
        #expect(store.add("a", .sample(1)) == [.cart])
        #expect(store.add("a", .sample(1)) == [])
        #expect(store.add("a", .sample(1, weight: 5)) == [.cart])
        #expect(store.service(.cart).instances == [.sample(1, weight: 5)])
        #expect(store.remove("b") == [])
        #expect(store.remove("a") == [.cart])
        #expect(store.remove("a") == [])
        #expect(store.service(.cart) == Service(id: .cart, instances: [], registries: []))
        #expect(store.serviceIDs == [])
    }

    @Test("outside a full read, a name's list replaces its variants and touches no other name")
    mutating func replaced() {
        let cart2 = ServiceID(name: ServiceID.cart.name, protocol: .dubbo, version: "2")
        let cart3 = ServiceID(name: ServiceID.cart.name, protocol: .dubbo, version: "3")
        store.add("a", .sample(1))
        store.add("b", .sample(2), to: cart2)
        store.add("c", .sample(3), to: .order)
        let list: SourceEvent.Instances = [.cart: keyed(["a": .sample(1)]), cart3: keyed(["d": .sample(4)])]
        #expect(store.apply(.services(name: ServiceID.cart.name, list), from: "zk") == [cart2, cart3])
        #expect(store.serviceIDs == [.cart, cart3, .order])
        #expect(store.apply(.services(name: ServiceID.cart.name, [.cart: [:]]), from: "zk") == [.cart, cart3])
        #expect(store.serviceIDs == [.order])
    }

    @Test("a restarted provider is registered twice, and the registration that came last describes it")
    mutating func restart() {
        store.add("old", .sample(1, weight: 1))
        store.add("new", .sample(1, weight: 2))
        #expect(store.service(.cart).instances == [.sample(1, weight: 2)])
        store.add("newest", .sample(1, weight: 0, isEnabled: false))
        #expect(store.service(.cart).instances == [.sample(1, weight: 0, isEnabled: false)])
        store.remove("newest")
        #expect(store.service(.cart).instances == [.sample(1, weight: 2)])
        // It comes again with other content, and stays at its place.
        store.add("old", .sample(1, weight: 3))
        #expect(store.service(.cart).instances == [.sample(1, weight: 2)])
    }

    @Test("a full read tells which registration came last, also while events come", arguments: [true, false])
    mutating func order(isFraming: Bool) {
        if isFraming { _ = store.apply(.begin, from: "zk") }
        let list = ["a": Instance.sample(1, weight: 1, succession: 1), "b": .sample(1, weight: 2)]
        _ = store.apply(.services(name: ServiceID.cart.name, [.cart: keyed(list)]), from: "zk")
        store.add("c", .sample(1, weight: 3))
        if isFraming { _ = store.apply(.complete, from: "zk") }
        #expect(store.service(.cart).instances == [.sample(1, weight: 3)])
        store.remove("c")
        #expect(store.service(.cart).instances == [.sample(1, weight: 1)])
    }

    @Test("the former session's end does not remove the endpoint that the newer entry still announces")
    mutating func formerSession() {
        store.add("old", .sample(1))
        store.add("new", .sample(1))
        store.remove("old")
        #expect(store.service(.cart).instances == [.sample(1)])
        store.remove("new")
        #expect(store.service(.cart).instances == [])
    }

    @Test("one address may serve several ports")
    mutating func ports() {
        store.add("a", .sample(1))
        store.add("b", .sample(1, port: 20881))
        #expect(store.service(.cart).instances == [.sample(1), .sample(1, port: 20881)])
    }

    @Test("two registries are a union, in the configured order, and the first one's description of an endpoint wins")
    mutating func union() {
        store.add("a", .sample(1), in: "nacos")
        store.add("a", .sample(1, weight: 7), in: "zk")
        store.add("b", .sample(2), in: "nacos")
        let service = store.service(.cart)
        #expect(service.instances == [.sample(1, weight: 7), .sample(2)])
        #expect(service.registries == ["zk", "nacos"])
        store.remove("a", in: "zk")
        #expect(store.service(.cart).instances == [.sample(1), .sample(2)])
        #expect(store.service(.cart).registries == ["nacos"])
    }

    @Test("one registry's failure leaves the other's part alone")
    mutating func independent() {
        store.read([.cart: ["a": .sample(1)]], from: "zk")
        store.read([.cart: ["b": .sample(2)]], from: "nacos")
        _ = store.apply(.interrupted(reason: "lost"), from: "nacos")
        store.read([:], from: "zk")
        #expect(store.service(.cart).instances == [.sample(2)])
        #expect(!store.isHealthy)
    }
}
