import Addressing
import IstioAPI
import Services
import Testing
import Translation

@Suite("assignments")
struct AssignmentsTests {
    private let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
    private var assignments = Assignments()

    @Test("of two services with the same host the first one keeps it, and the other one's host has a hash")
    mutating func contested() {
        let hosts = translator.resources(
            [Service("a.Cart", [.sample(1)]), Service("a.CART", [.sample(2)])], &assignments
        )
        .map { $0.hosts[0] }
        #expect(hosts[0] == "a.cart")
        #expect(hosts[1].hasPrefix("a.cart.h-"))
        var others = Assignments()
        let reversed = translator.resources(
            [Service("a.CART", [.sample(2)]), Service("a.Cart", [.sample(1)])], &others)
        #expect(reversed[0].hosts == ["a.cart"])
    }

    @Test("a host and an address that became free can be given out again")
    mutating func expiry() {
        let cart = translator.resources([Service("a.Cart", [.sample(1)])], &assignments)[0]
        _ = translator.resources([Service("a.Cart", [])], &assignments, now: .seconds(10))
        _ = translator.resources([Service("a.Cart", [])], &assignments, now: .seconds(60))
        #expect(assignments.nextExpiry(retention: .seconds(100)) == .seconds(110))
        #expect(assignments.expire(now: .seconds(109), retention: .seconds(100)) == [])
        #expect(assignments.expire(now: .seconds(110), retention: .seconds(100)) == ["a.cart"])
        #expect(assignments.count == 0 && assignments.nextExpiry(retention: .zero) == nil)
        #expect(assignments.service(ofObject: "a.cart") == nil)
        let other = translator.resources([Service("a.CART", [.sample(1)])], &assignments)[0]
        #expect(other.key == cart.key && other.addresses == cart.addresses)
    }

    @Test("the time since when an object in a cluster is empty is remembered")
    mutating func remembered() {
        let id = ServiceID(name: "a.Cart")
        for emptySince in [nil, Duration.seconds(-50)] {
            assignments.seed(
                id, object: "a.cart", protocol: .dubbo, address: nil, registries: ["zk"], emptySince: emptySince)
        }
        #expect(assignments.nextExpiry(retention: .seconds(100)) == .seconds(50))
    }

    @Test("a service that returns in time does not expire")
    mutating func comesBack() {
        _ = translator.resources([Service("a.B", [.sample(1)])], &assignments)
        _ = translator.resources([Service("a.B", [])], &assignments, now: .seconds(10))
        _ = translator.resources([Service("a.B", [.sample(1)])], &assignments, now: .seconds(50))
        #expect(assignments.nextExpiry(retention: .seconds(100)) == nil)
        #expect(assignments.expire(now: .seconds(1000), retention: .seconds(100)) == [])
    }

    @Test("a protocol without instances expires alone, and its object's name is free for another one")
    mutating func protocolGoes() {
        let both = [Service("a.B", [.sample(1), .sample(1, protocol: .tri)])]
        let onlyTri = [Service("a.B", [.sample(1, protocol: .tri)])]
        let before = translator.resources(both, &assignments)
        _ = translator.resources(onlyTri, &assignments, now: .seconds(1))
        #expect(assignments.expire(now: .seconds(101), retention: .seconds(100)) == ["a.b"])
        #expect(assignments.service(ofObject: "a.b") == nil)
        #expect(assignments.service(ofObject: "a.b.p-tri") == ServiceID(name: "a.B"))
        #expect(translator.resources(onlyTri, &assignments) == [before[1]])
        #expect(translator.resources(both, &assignments) == before)
    }

    @Test("a block that is full is a problem of the service that finds it so, and of no other")
    mutating func fullBlock() throws {
        let block = try #require(CIDRBlock("10.96.0.0/29"))
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", addresses: .block(block)))
        let services = (0..<6).map { Service("a.S\($0)", [.sample(1)]) }
        let addresses = translator.resources(services, &assignments).flatMap(\.addresses)
        #expect(addresses.sorted() == (1...6).map { "10.96.0.\($0)" })
        let late = Service("a.Late", [.sample(1)])
        let outcome = translator.translate(late, &assignments, now: .zero)
        #expect(outcome.resources == [] && outcome.problems.count == 1 && outcome.problems[0].contains("10.96.0.0/29"))
        _ = translator.resources([Service("a.S0", [])], &assignments, now: .zero)
        _ = assignments.expire(now: .seconds(1), retention: .seconds(1))
        #expect(translator.resources([late], &assignments).map(\.addresses) == [[addresses[0]]])
    }

    @Test("addresses outside the block are replaced, however many there are")
    mutating func otherBlock() throws {
        let services = (0..<12).map { Service("a.S\($0)", [.sample(1)]) }
        _ = translator.resources(services, &assignments)
        let small = try #require(CIDRBlock("10.96.0.0/29"))
        let moved = Translator(policy: TranslationPolicy(namespace: "dubbo", addresses: .block(small)))
        let addresses = moved.resources(Array(services.prefix(6)), &assignments).flatMap(\.addresses)
        #expect(addresses.sorted() == (1...6).map { "10.96.0.\($0)" })
    }

    @Test("of two objects that claim one host or address, the first one counts")
    mutating func contradictions() throws {
        let first = ServiceID(name: "a.A")
        let second = ServiceID(name: "a.B")
        let address = try #require(IPAddress("240.16.0.1"))
        assignments.seed(first, object: "a.a", protocol: .dubbo, address: address, registries: ["zk"])
        assignments.seed(second, object: "a.a.p-tri", protocol: .tri, address: address, registries: ["zk"])
        #expect(assignments[second] == nil)
        assignments.seed(second, object: "a.b", protocol: .dubbo, address: address, registries: ["zk"])
        #expect(assignments[second]?.address == nil)
        let resources = translator.resources(
            [Service("a.A", [.sample(1)]), Service("a.B", [.sample(1)])], &assignments)
        #expect(resources.map(\.hosts) == [["a.a"], ["a.b"]])
        #expect(resources[0].addresses == ["240.16.0.1"] && resources[1].addresses != ["240.16.0.1"])
    }

    @Test("of two protocols that claim one object, the second gets another one")
    mutating func oneObject() {
        let id = ServiceID(name: "a.B")
        for claimed in [PortProtocol.dubbo, .tri] {
            assignments.seed(id, object: "a.b", protocol: claimed, address: nil, registries: ["zk"])
        }
        let service = Service("a.B", [.sample(1), .sample(2, protocol: .tri)])
        #expect(translator.resources([service], &assignments).map(\.key.name).sorted() == ["a.b", "a.b.p-tri"])
        #expect(assignments[id]?.objects.mapValues(\.name) == [.dubbo: "a.b", .tri: "a.b.p-tri"])
    }

    @Test("a service has the registries that any of its objects names")
    mutating func registries() {
        let id = ServiceID(name: "a.B")
        assignments.seed(id, object: "a.b", protocol: .dubbo, address: nil, registries: ["zk"])
        assignments.seed(
            id, object: "a.b.p-tri", protocol: .tri, address: nil, registries: ["nacos", "zk"])
        #expect(assignments[id]?.registries == ["zk", "nacos"])
        #expect(assignments.service(ofObject: "a.b.p-tri") == id)
    }
}
