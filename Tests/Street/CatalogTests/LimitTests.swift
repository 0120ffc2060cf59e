import Catalog
import Services
import Sources
import Testing

/// Fault 31, in small.
@Suite("limits of a registry")
struct LimitTests {
    private var store = CatalogStore(registries: ["zk"], limits: CatalogLimits(instancesPerService: 3, services: 2))

    /// How many are left out.
    private var excess: (services: Int, instances: Int) {
        func count(_ sort: String) -> Int { store.reports[0].notes.first { $0.sort == sort }?.count ?? 0 }
        return (count("servicesBeyondLimit"), count("instancesBeyondLimit"))
    }

    private func hosts(_ id: ServiceID = .cart) -> [String] { store.service(id).instances.map { "\($0.host)" } }

    private static func described(_ hosts: ClosedRange<UInt8>) -> [String: Instance] {
        Dictionary(uniqueKeysWithValues: hosts.map { ("\($0)", Instance.sample($0)) })
    }

    private static func service(_ number: Int) -> ServiceID { ServiceID(name: "com.acme.S\(number)", protocol: .dubbo) }

    @Test("instances beyond the limit are left out and counted, however they come; the first ones stay")
    mutating func instances() {
        for host in UInt8(1)...5 { store.add("\(host)", .sample(host)) }
        #expect(hosts() == ["10.0.0.1", "10.0.0.2", "10.0.0.3"] && excess == (0, 2))
        // One that is there may change; one that was left out may leave.
        store.add("2", .sample(2, weight: 7))
        #expect(store.service(.cart).instances.map(\.weight) == [100, 7, 100])
        store.remove("5")
        #expect(excess == (0, 1))
        store.read([.cart: Self.described(1...50)])
        #expect(hosts() == ["10.0.0.1", "10.0.0.2", "10.0.0.3"] && excess == (0, 47))
        store.read([.cart: Self.described(1...3)])
        #expect(excess == (0, 0))
    }

    @Test("when one of the first ones leaves, the service is read again, so that another one comes")
    mutating func room() {
        store.read([.cart: Self.described(1...3)])
        store.add("4", .sample(4))
        let outcome = store.apply(.removed(.cart, InstanceKey("1")), from: "zk", now: .zero)
        #expect(outcome.reads == ["zk": [ServiceID.cart.name]])
        _ = store.apply(.services(name: ServiceID.cart.name, [.cart: keyed(Self.described(2...4))]), from: "zk")
        #expect(hosts() == ["10.0.0.2", "10.0.0.3", "10.0.0.4"] && excess == (0, 0))
    }

    @Test("services beyond the limit are left out and counted; one comes when another goes")
    mutating func services() {
        store.add("1", .sample(1))
        store.add("2", .sample(2), to: .order)
        store.add("3", .sample(3), to: Self.service(1))
        #expect(store.serviceIDs == [.cart, .order] && excess == (1, 0))
        store.read([.cart: ["1": .sample(1)], .order: ["2": .sample(2)], Self.service(0): ["3": .sample(3)]])
        #expect(store.serviceIDs == [.cart, .order] && excess == (1, 0))
        let outcome = store.apply(.removed(.order, InstanceKey("2")), from: "zk", now: .zero)
        #expect(outcome.reads == ["zk": ["com.acme.S0"]])
    }

    @Test("what comes by events while a full read goes on counts beside what the read has found")
    mutating func meanwhile() {
        store.read([.cart: Self.described(1...2)])
        _ = store.apply(.begin, from: "zk")
        _ = store.apply(.services(name: "com.acme.S0", [Self.service(0): keyed(Self.described(1...1))]), from: "zk")
        _ = store.apply(.services(name: ServiceID.cart.name, [.cart: keyed(Self.described(2...4))]), from: "zk")
        store.add("9", .sample(9), to: .order)
        store.add("9", .sample(9))
        _ = store.apply(.complete, from: "zk")
        #expect(store.serviceIDs == [.cart, Self.service(0)])
        #expect(hosts() == ["10.0.0.2", "10.0.0.3", "10.0.0.4"])
    }

    @Test("after a restart, what was known before comes first")
    mutating func restart() {
        let seed = ServiceSeed(
            id: .cart, registries: ["zk"], instances: (UInt8(40)...42).map { Instance.sample($0) })
        _ = store.seed([seed], now: .zero)
        var services: [ServiceID: [String: Instance]] = [.cart: Self.described(1...42)]
        for number in 0..<20 { services[Self.service(number)] = ["1": .sample(1)] }
        store.read(services)
        #expect(hosts() == ["10.0.0.40", "10.0.0.41", "10.0.0.42"])
        #expect(store.serviceIDs.count == 2 && excess == (19, 39))
    }
}
