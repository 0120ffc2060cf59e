import Addressing
import IstioAPI
import Services
import Testing
import Translation

@Suite("assignments")
struct AssignmentsTests {
    private let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
    private var assignments = Assignments()

    @Test(
        "of two services that differ in case only, the first has the host; the other is named, and follows it"
    )
    mutating func contested() {
        let (first, second) = (Service("a.Cart", [.sample(1)]), Service("a.CART", [.sample(2)]))
        let cart = translator.resources([first], &assignments)
        #expect(cart.map(\.hosts) == [["a.cart.mesh"]])
        let refused = translator.translate(second, &assignments, now: .zero)
        #expect(refused.resource == nil && refused.hostHolder == first.id)
        #expect(refused.problem?.contains("dubbo://a.Cart has the host 'a.cart.mesh'") == true)
        #expect(translator.resources([first], &assignments) == cart)
        #expect(!assignments.isInTheWay(first.id))
        _ = translator.translate(Service("a.Cart", []), &assignments, now: .seconds(9))
        #expect(assignments.isInTheWay(first.id))
        #expect(assignments.nextExpiry(retention: .seconds(100)) == .seconds(9))
        #expect(assignments.expire(now: .seconds(9), retention: .seconds(100)) == ["a.cart"])
        let come = translator.resources([second], &assignments)
        #expect(come.map(\.hosts) == [["a.cart.mesh"]] && come.map(\.addresses) == cart.map(\.addresses))
    }

    @Test("a service that no longer waits for a host doesn't shorten the life of the one that has it")
    mutating func withdrawn() {
        _ = translator.resources([Service("a.Cart", [.sample(1)]), Service("a.CART", [.sample(2)])], &assignments)
        _ = translator.resources([Service("a.CART", []), Service("a.Cart", [])], &assignments)
        #expect(assignments.nextExpiry(retention: .seconds(100)) == .seconds(100))
    }

    @Test("two plain protocols of one name have one host; any other protocol has its own")
    mutating func plainProtocols() {
        var policy = TranslationPolicy(namespace: "dubbo")
        policy.hosts.plainProtocols = ["dubbo", "tri"]
        let translator = Translator(policy: policy)
        let services = [PortProtocol.dubbo, .tri, .rest].map { Service("a.B", protocol: $0, [.sample(1)]) }
        let outcomes = services.map { translator.translate($0, &assignments, now: .zero) }
        #expect(outcomes.map { $0.resource?.hosts } == [["a.b.mesh"], nil, ["a.b.p-rest.mesh"]])
        #expect(outcomes.map(\.hostHolder) == [nil, services[0].id, nil])
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
        let id = ServiceID(name: "a.Cart", protocol: .dubbo)
        for emptySince in [nil, Duration.seconds(-50)] {
            var choices = Assignments.Assignment(objectName: "a.cart")
            choices.emptySince = emptySince
            translator.seed(&assignments, id, choices)
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

    @Test("a service of one protocol expires alone")
    mutating func protocolGoes() {
        let both = [Service("a.B", [.sample(1)]), Service("a.B", protocol: .tri, [.sample(1)])]
        let before = translator.resources(both, &assignments)
        _ = translator.resources([Service("a.B", [])], &assignments, now: .seconds(1))
        #expect(assignments.expire(now: .seconds(101), retention: .seconds(100)) == ["a.b"])
        #expect(assignments.service(ofObject: "a.b") == nil)
        #expect(assignments.service(ofObject: "a.b.p-tri") == both[1].id)
        #expect(translator.resources(both, &assignments) == before)
    }

    @Test("a service whose protocol has no port of its own keeps the one that most of its first instances had")
    mutating func port() {
        func resources(_ ports: [UInt16]) -> [ServiceEntry] {
            let instances = ports.enumerated().map { Instance.sample(UInt8($0.offset), port: $0.element) }
            return translator.resources([Service("queue", protocol: .tcp, instances)], &assignments)
        }
        let first = resources([7001, 5672, 5672])
        #expect(first.map(\.ports) == [[.init(number: 5672, name: "tcp", protocol: "TCP")]])
        #expect(first.flatMap { $0.endpoints.map(\.ports) } == [["tcp": 7001], ["tcp": 5672], ["tcp": 5672]])
        #expect(resources([7001]).map(\.ports) == first.map(\.ports))
        assignments = translator.assignments(readBackFrom: first)
        #expect(resources([7001]).map(\.ports) == first.map(\.ports))
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
        #expect(outcome.resource == nil && outcome.problem?.contains("10.96.0.0/29") == true)
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

    @Test("of two objects that claim one address, the first one counts")
    mutating func contradictions() throws {
        let ids = ["a.A", "a.B"].map { ServiceID(name: $0, protocol: .dubbo) }
        let address = try #require(IPAddress("240.16.0.1"))
        for id in ids {
            var choices = Assignments.Assignment(objectName: id.name.lowercased())
            choices.address = address
            translator.seed(&assignments, id, choices)
        }
        #expect(ids.map { assignments[$0]?.address } == [address, nil])
        let resources = translator.resources(ids.map { Service($0.name, [.sample(1)]) }, &assignments)
        #expect(resources[0].addresses == ["240.16.0.1"] && resources[1].addresses != ["240.16.0.1"])
    }

    @Test("the owned object says which of two services has their host; one with a name of old says nothing")
    mutating func holder() {
        let ids = ["a.CART", "a.Cart"].map { ServiceID(name: $0, protocol: .dubbo) }
        translator.seed(&assignments, ids[1], .init(objectName: "a.cart"))
        translator.seed(&assignments, ids[0], .init(objectName: "a.cart"))
        let outcomes = ids.map { translator.translate(Service($0.name, [.sample(1)]), &assignments, now: .zero) }
        #expect(outcomes.map { $0.resource?.hosts } == [nil, ["a.cart.mesh"]])
        let tri = ServiceID(name: "a.B", protocol: .tri)
        translator.seed(&assignments, tri, .init(objectName: "a.b"))
        #expect(assignments[tri] == nil && assignments.service(ofObject: "a.b") == nil)
    }

    @Test("a service has the registries that any of its objects names, in whichever cluster")
    mutating func registries() {
        let id = ServiceID(name: "a.B", protocol: .dubbo)
        for registries in [["zk"], ["nacos", "zk"]] {
            var choices = Assignments.Assignment(objectName: "a.b")
            choices.registries = registries
            translator.seed(&assignments, id, choices)
        }
        #expect(assignments[id]?.registries == ["zk", "nacos"])
    }
}
