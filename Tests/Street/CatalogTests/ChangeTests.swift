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

    @Test("a restarted provider is registered twice, and the newer entry describes it", arguments: [true, false])
    mutating func restart(newerFirst: Bool) {
        let entries: [(String, Instance)] = [
            ("old", .sample(1, weight: 1, startTime: 100)), ("new", .sample(1, weight: 2, startTime: 200)),
        ]
        for (node, instance) in newerFirst ? entries.reversed() : entries { store.add(node, instance) }
        #expect(store.service(.cart).instances == [.sample(1, weight: 2, startTime: 200)])
    }

    @Test("the former session's end does not remove the endpoint that the newer entry still announces")
    mutating func formerSession() {
        store.add("old", .sample(1, startTime: 100))
        store.add("new", .sample(1, startTime: 200))
        store.remove("old")
        #expect(store.service(.cart).instances == [.sample(1, startTime: 200)])
        store.remove("new")
        #expect(store.service(.cart).instances == [])
    }

    @Test("one address may serve several ports")
    mutating func ports() {
        store.add("a", .sample(1))
        store.add("b", .sample(1, port: 20881))
        #expect(store.service(.cart).instances == [.sample(1), .sample(1, port: 20881)])
    }

    @Test("two registries are a union, in the configured order, and the newer description of an endpoint wins")
    mutating func union() {
        store.add("a", .sample(1, startTime: 100), in: "nacos")
        store.add("a", .sample(1, weight: 7, startTime: 200), in: "zk")
        store.add("b", .sample(2), in: "nacos")
        let service = store.service(.cart)
        #expect(service.instances == [.sample(1, weight: 7, startTime: 200), .sample(2)])
        #expect(service.registries == ["zk", "nacos"])
        store.remove("a", in: "zk")
        #expect(store.service(.cart).instances == [.sample(1, startTime: 100), .sample(2)])
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
