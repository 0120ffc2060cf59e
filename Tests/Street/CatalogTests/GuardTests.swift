import Addressing
import Catalog
import IsthmusTesting
import Services
import Sources
import Testing

/// A registry whose entries are named like their service and host, under a guard.
private struct Scene {
    var store: CatalogStore
    var now = Duration.zero
    /// The reads that were asked for.
    var reads: Set<String> = []

    init(registries: [String] = ["zk"], policy: GuardPolicy = GuardPolicy()) {
        store = CatalogStore(registries: registries, policy: policy)
    }

    mutating func apply(_ event: SourceEvent, from registry: String = "zk") {
        let outcome = store.apply(event, from: registry, now: now)
        reads.formUnion(outcome.reads[registry] ?? [])
    }

    static func id(_ name: String) -> ServiceID { ServiceID(name: name, protocol: .dubbo) }

    mutating func read(_ services: [String: [UInt8]], from registry: String = "zk") {
        apply(.begin, from: registry)
        for (name, hosts) in services { apply(.services(name: name, Self.list(name, hosts)), from: registry) }
        apply(.complete, from: registry)
    }

    /// A read of one name.
    mutating func reread(_ name: String, _ hosts: [UInt8], from registry: String = "zk") {
        apply(.services(name: name, Self.list(name, hosts)), from: registry)
    }

    mutating func add(_ name: String, _ host: UInt8, application: String = "shop", from registry: String = "zk") {
        let instance = Instance.sample(host, application: application)
        apply(.added(Self.id(name), InstanceKey("\(name)-\(host)"), instance), from: registry)
    }

    mutating func remove(_ name: String, _ host: UInt8, from registry: String = "zk") {
        apply(.removed(Self.id(name), InstanceKey("\(name)-\(host)")), from: registry)
    }

    /// The settle time passes.
    mutating func settle() {
        now += .milliseconds(500)
        reads.formUnion(store.wake(now: now).reads.values.joined())
    }

    static func list(_ name: String, _ hosts: [UInt8], application: String = "shop") -> SourceEvent.Instances {
        hosts.isEmpty
            ? [:]
            : [
                id(name): Dictionary(
                    uniqueKeysWithValues: hosts.map {
                        (InstanceKey("\(name)-\($0)"), .sample($0, application: application))
                    })
            ]
    }

    /// The hosts that the mesh would see.
    func accepted(_ name: String) -> [UInt8] {
        store.service(Self.id(name)).instances.compactMap { instance -> UInt8? in
            guard case .address(.v4(let bits)) = instance.host else { return nil }
            return UInt8(truncatingIfNeeded: bits)
        }
    }

    func hold(_ registry: String = "zk") -> CatalogStore.HoldReport? { store.report(on: registry)?.hold }
}

@Suite("the guard: losses on balance")
struct NetLossTests {
    private var scene = Scene()

    /// Checks of these hosts fail, or succeed again.
    private mutating func check(_ hosts: ClosedRange<UInt8>, _ isHealthy: Bool) {
        for host in hosts {
            var instance = Instance.sample(host)
            instance.isHealthy = isHealthy
            scene.apply(.added(Scene.id("a.A"), InstanceKey("a.A-\(host)"), instance))
        }
    }

    private var healthy: Int { scene.store.service(Scene.id("a.A")).instances.count(where: \.isHealthy) }

    @Test("checks that fail all at once are a failure of the registry, and a few are not")
    mutating func health() {
        scene.read(["a.A": Array(1...40)])
        check(1...3, false)
        #expect(healthy == 37 && scene.hold() == nil)
        check(4...40, false)
        scene.settle()
        #expect(scene.hold() != nil && healthy == 40)
        scene.now += .seconds(5)
        check(4...40, true)
        #expect(scene.hold() != nil && healthy == 40)
        check(1...3, true)
        #expect(scene.hold() == nil && healthy == 40)
    }

    @Test("a service whose last healthy instance fails is left without any after a second read")
    mutating func lastHealthy() {
        scene.read(["a.A": [1, 2]])
        check(1...2, false)
        #expect(healthy == 1 && scene.reads == ["a.A"])
        var services = Scene.list("a.A", [1, 2])
        for key in services[Scene.id("a.A")].map({ Array($0.keys) }) ?? [] {
            services[Scene.id("a.A")]?[key]?.isHealthy = false
        }
        scene.apply(.services(name: "a.A", services))
        #expect(healthy == 0)
    }

    @Test("after a recovery, a service that is deployed twice is no loss")
    mutating func deploymentsAfterRecovery() {
        scene.read(["a.A": Array(1...40), "a.B": Array(101...112)])
        scene.read(["a.A": Array(1...10), "a.B": Array(101...112)])
        #expect(scene.hold() != nil)
        scene.now += .seconds(2)
        scene.read(["a.A": Array(1...40), "a.B": Array(101...112)])
        #expect(scene.hold() == nil)
        for (old, new) in [(UInt8(100), UInt8(120)), (120, 140)] {
            for number in UInt8(1)...12 {
                scene.now += .milliseconds(100)
                scene.add("a.B", new + number)
                scene.remove("a.B", old + number)
            }
            scene.settle()
        }
        #expect(scene.hold() == nil && scene.accepted("a.B") == Array(141...152))
    }

    @Test("in a registry that churns, an answer that shows as many new instances as it misses is no loss")
    mutating func exchange() {
        scene.read(["a.A": Array(1...40)])
        // An instance that comes and goes: the registry churns.
        scene.add("a.B", 200)
        scene.remove("a.B", 200)
        scene.now += .seconds(2)
        scene.read(["a.A": Array(1...20), "a.C": Array(101...120)])
        #expect(scene.hold() == nil && scene.accepted("a.A").count == 20)
        scene.now += .seconds(2)
        scene.read(["a.A": Array(1...20), "a.C": Array(101...104)])
        #expect(scene.hold() != nil)
    }

    @Test("up to ten instances may go, whatever share of the registry they are")
    mutating func small() {
        scene.read(["a.A": Array(1...12)])
        for host in UInt8(1)...10 { scene.remove("a.A", host) }
        scene.settle()
        #expect(scene.accepted("a.A") == [11, 12])
        #expect(scene.hold() == nil)
    }

    @Test("more than 15 percent and more than ten removals are held, also those that have passed")
    mutating func held() throws {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...40 { scene.remove("a.A", host) }
        #expect(scene.accepted("a.A") == Array(4...100) && scene.hold() == nil)
        scene.settle()
        #expect(scene.accepted("a.A") == Array(1...100))
        let hold = try #require(scene.hold())
        #expect(hold.cause == .netLoss && hold.held == 40 && hold.total == 100)
        #expect(hold.lost == 40 && hold.present == 60)
        #expect(hold.remaining == .seconds(300))
        #expect(hold.services == [ServiceID(name: "a.A", protocol: .dubbo)])
    }

    @Test("a full read that lacks too much is held as a whole")
    mutating func byRead() {
        scene.read(["a.A": Array(1...50), "a.B": Array(51...100)])
        scene.read(["a.A": Array(1...50)])
        #expect(scene.accepted("a.B") == Array(51...100))
        #expect(scene.hold()?.held == 50)
    }

    @Test("a rolling deployment, in which every address changes, is never held", arguments: [true, false])
    mutating func rolling(newFirst: Bool) {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...100 {
            if newFirst { scene.add("a.A", host + 100) }
            scene.remove("a.A", host)
            if !newFirst { scene.add("a.A", host + 100) }
            #expect(scene.accepted("a.A").count >= 100)
        }
        scene.settle()
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.A") == Array(101...200))
    }

    @Test("a deployment that went on while the registry was away is not held")
    mutating func rolledMeanwhile() {
        scene.read(["a.A": Array(1...100)])
        scene.apply(.interrupted(reason: "lost"))
        scene.read(["a.A": Array(101...200)])
        #expect(scene.accepted("a.A") == Array(101...200))
        #expect(scene.hold() == nil)
    }

    @Test("removals from before the window do not count")
    mutating func window() {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...40 {
            scene.remove("a.A", host)
            scene.now += .seconds(10)
        }
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.A") == Array(41...100))
    }

    @Test("a held instance that returns is held no longer, and the hold ends with the last one")
    mutating func recovery() {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...40 { scene.remove("a.A", host) }
        scene.settle()
        for host in UInt8(1)...40 {
            #expect(scene.hold() != nil)
            scene.add("a.A", host)
        }
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.A") == Array(1...100))
        scene.remove("a.A", 1)
        #expect(scene.accepted("a.A") == Array(2...100))
    }

    @Test("removals of the window that were accepted before a hold come back with it")
    mutating func beforeTheHold() {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...15 {
            scene.remove("a.A", host)
            scene.now += .seconds(1)
        }
        #expect(scene.accepted("a.A") == Array(16...100) && scene.hold() == nil)
        scene.remove("a.A", 16)
        #expect(scene.accepted("a.A") == Array(16...100))
        scene.settle()
        #expect(scene.accepted("a.A") == Array(1...100) && scene.hold()?.held == 16)
        for host in UInt8(1)...16 { scene.add("a.A", host) }
        #expect(scene.hold() == nil)
        scene.remove("a.A", 17)
        #expect(scene.hold() == nil && scene.accepted("a.A").count == 99)
    }

    @Test("during a hold a new instance takes the place of a missing one")
    mutating func replaced() {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": [], "a.B": Array(41...80)])
        for host in UInt8(101)...140 {
            scene.add("a.A", host)
            scene.settle()
            #expect(scene.accepted("a.A").count == 40)
        }
        #expect(scene.accepted("a.A") == Array(101...140))
        #expect(scene.hold() == nil)
    }

    @Test("an instance that a new one probably replaces stays where another registry announces it")
    mutating func replacedElsewhere() {
        scene = Scene(registries: ["zk", "nacos"])
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": Array(1...40)], from: "nacos")
        scene.apply(.interrupted(reason: "the connection is lost"), from: "nacos")
        scene.read(["a.B": Array(41...80)])
        scene.add("a.A", 101)
        scene.settle()
        #expect(scene.accepted("a.A") == Array(1...40) + [101])
    }

    @Test("a held endpoint that the former leader's object no longer shows is released")
    mutating func adopted() {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.B": Array(41...80)])
        let shown = Set((UInt8(1)...30).map { Instance.sample($0).endpoint })
        let outcome = scene.store.adopt(
            [Scene.id("a.A"): shown, Scene.id("a.B"): []], now: scene.now)
        #expect(outcome.changed == [Scene.id("a.A")])
        #expect(scene.accepted("a.A") == Array(1...30))
        #expect(scene.accepted("a.B") == Array(41...80))
        _ = scene.store.adopt([Scene.id("a.A"): []], now: scene.now)
        #expect(scene.accepted("a.A") == [])
        #expect(scene.hold() == nil)
    }

    @Test("a held address that another service registers is released at once")
    mutating func reused() {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": [], "a.B": Array(41...80)])
        scene.add("a.C", 7, application: "till")
        #expect(scene.accepted("a.C") == [7])
        #expect(scene.accepted("a.A") == Array(1...6) + Array(8...40))
    }

    @Test("a process that returns with one of its services keeps the others held")
    mutating func sibling() {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": [], "a.B": Array(41...80)])
        scene.add("a.C", 7)
        #expect(scene.accepted("a.A") == Array(1...40))
    }

    @Test("a held address that another registry's first read shows under another service is released at once")
    mutating func reusedElsewhere() {
        scene = Scene(registries: ["zk", "nacos"])
        scene.read(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": [], "a.B": Array(41...80)])
        scene.apply(.begin, from: "nacos")
        scene.apply(.services(name: "a.C", Scene.list("a.C", [7], application: "till")), from: "nacos")
        scene.apply(.complete, from: "nacos")
        #expect(scene.accepted("a.A") == Array(1...6) + Array(8...40))
    }

    @Test("an address that comes back for one of its services is not taken from the others")
    mutating func sharedAddress() {
        scene.read(["a.A": Array(1...40), "a.B": Array(1...40)])
        for host in UInt8(1)...40 {
            scene.remove("a.A", host)
            scene.remove("a.B", host)
        }
        scene.settle()
        let before = scene.accepted("a.B")
        #expect(before.count > 20)
        for host in UInt8(20)...40 { scene.add("a.A", host) }
        #expect(scene.accepted("a.B") == before)
    }

    @Test("a provider that registered anew before its old session ended is not lost")
    mutating func twoNodes() {
        scene.read(["a.A": Array(1...20)])
        for host in UInt8(1)...20 {
            scene.apply(.added(Scene.id("a.A"), InstanceKey("new-\(host)"), .sample(host)))
            scene.remove("a.A", host)
        }
        #expect(scene.accepted("a.A") == Array(1...20))
        #expect(scene.hold() == nil)
    }
}

@Suite("the guard: how a hold ends")
struct HoldTests {
    private var scene = Scene()

    /// 30 of 100 are gone by a read at this moment.
    private mutating func begin() {
        scene.read(["a.A": Array(1...70), "a.B": Array(71...100)])
        scene.read(["a.A": Array(1...70)])
    }

    private mutating func agree(after seconds: Int) {
        scene.now += .seconds(seconds)
        scene.read(["a.A": Array(1...70)])
    }

    @Test("it ends when reads have agreed for five minutes, and not by the passing of time")
    mutating func timer() {
        begin()
        scene.now += .seconds(290)
        #expect(scene.hold()?.remaining == .seconds(300))
        agree(after: 9)
        #expect(scene.hold()?.remaining == .seconds(1))
        #expect(scene.accepted("a.B").count == 30)
        agree(after: 1)
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.B") == [])
    }

    @Test("time in which the registry can't be followed does not count")
    mutating func interrupted() {
        begin()
        agree(after: 100)
        scene.apply(.interrupted(reason: "lost"))
        agree(after: 1_000)
        #expect(scene.hold()?.remaining == .seconds(200))
        agree(after: 200)
        #expect(scene.accepted("a.B") == [])
    }

    @Test("a return of an instance starts it anew")
    mutating func disagreement() {
        begin()
        agree(after: 299)
        scene.add("a.B", 71)
        agree(after: 1)
        #expect(scene.hold()?.remaining == .seconds(300))
        #expect(scene.accepted("a.B").count == 30)
    }

    @Test("more than half of a registry is released by its recovery or by an operator only")
    mutating func operatorOnly() throws {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...100)])
        scene.read(["a.A": Array(1...40)])
        for _ in 0..<10 {
            scene.now += .seconds(300)
            scene.read(["a.A": Array(1...40)])
        }
        #expect(try #require(scene.hold()).remaining == nil)
        #expect(scene.accepted("a.B").count == 60)
        let outcome = scene.store.release("zk", now: scene.now)
        #expect(outcome?.outcome.changed == [ServiceID(name: "a.B", protocol: .dubbo)])
        #expect(scene.accepted("a.B") == [] && scene.hold() == nil)
        #expect(scene.store.release("zk", now: scene.now) == nil)
    }

    @Test("after a recovery the rest is held for one window")
    mutating func stragglers() throws {
        scene.read(["a.A": Array(1...40), "a.B": Array(41...100)])
        scene.read(["a.A": Array(1...40)])
        for host in UInt8(41)...90 { scene.add("a.B", host) }
        #expect(try #require(scene.hold()).remaining == .seconds(60))
        for seconds in [0, 30, 30] {
            scene.now += .seconds(seconds)
            scene.read(["a.A": Array(1...40), "a.B": Array(41...90)])
        }
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.B") == Array(41...90))
    }

    @Test("after a release the next small loss passes, and the next large one is held")
    mutating func afterwards() {
        begin()
        _ = scene.store.release("zk", now: scene.now)
        scene.remove("a.A", 1)
        #expect(scene.accepted("a.A") == Array(2...70))
        scene.read(["a.A": Array(2...30)])
        #expect(scene.accepted("a.A") == Array(1...70))
    }
}

@Suite("the guard: nothing at all")
struct EmptyAnswerTests {
    private var scene = Scene()

    @Test("a complete answer that there is nothing is refused, however little there was")
    mutating func refused() throws {
        scene.read(["a.A": [1]])
        scene.read([:])
        #expect(scene.accepted("a.A") == [1])
        let hold = try #require(scene.hold())
        #expect(hold.cause == .emptyAnswer && hold.remaining == nil)
        scene.now += .seconds(10_000)
        scene.read([:])
        #expect(scene.accepted("a.A") == [1])
    }

    @Test("with the first instance that returns, the rules for losses apply")
    mutating func partial() {
        scene.read(["a.A": Array(1...8)])
        scene.read([:])
        scene.read(["a.A": Array(1...7)])
        #expect(scene.hold()?.cause == .netLoss)
        scene.now += .seconds(60)
        scene.read(["a.A": Array(1...7)])
        #expect(scene.hold() == nil)
        #expect(scene.accepted("a.A") == Array(1...7))
    }

    @Test("a registry that was empty from the start is healthy")
    mutating func empty() {
        scene.read([:])
        scene.read([:])
        #expect(scene.hold() == nil && scene.store.isHealthy)
    }
}

@Suite("the guard: a service without instances")
struct SecondReadTests {
    private var scene = Scene()

    @Test("the last instance goes after a second read")
    mutating func confirmed() {
        scene.read(["a.A": [1], "a.B": [2]])
        scene.remove("a.A", 1)
        #expect(scene.accepted("a.A") == [1])
        #expect(scene.reads == ["a.A"])
        #expect(!scene.store.isSettled)
        scene.reread("a.A", [])
        #expect(scene.accepted("a.A") == [])
        #expect(scene.store.isSettled)
    }

    @Test("a second read that finds it keeps it, and a new instance releases it")
    mutating func contradicted() {
        scene.read(["a.A": [1], "a.B": [2]])
        scene.remove("a.A", 1)
        scene.reread("a.A", [1])
        #expect(scene.accepted("a.A") == [1])
        scene.remove("a.A", 1)
        scene.add("a.A", 3)
        #expect(scene.accepted("a.A") == [3])
    }

    @Test("a full read that began before does not confirm, one that began after does")
    mutating func fullRead() {
        scene.read(["a.A": [1], "a.B": [2]])
        scene.apply(.begin)
        scene.apply(.services(name: "a.B", Scene.list("a.B", [2])))
        scene.remove("a.A", 1)
        scene.apply(.complete)
        #expect(scene.accepted("a.A") == [1])
        scene.read(["a.B": [2]])
        #expect(scene.accepted("a.A") == [])
    }

    @Test("a name that can't be read confirms nothing")
    mutating func unreadable() {
        scene.read(["a.A": [1], "a.B": [2]])
        scene.remove("a.A", 1)
        let unreadable = SourceEvent.unreadable(name: "a.A", reason: "no permission")
        scene.apply(unreadable)
        #expect(scene.accepted("a.A") == [1])
        for event in [.begin, .services(name: "a.B", Scene.list("a.B", [2])), unreadable, .complete] {
            scene.apply(event)
        }
        #expect(scene.accepted("a.A") == [1])
        scene.read(["a.B": [2]])
        #expect(scene.accepted("a.A") == [])
    }

    @Test("all instances that a service lost at once wait for the second read together")
    mutating func several() {
        scene.read(["a.A": [1, 2], "a.B": [3]])
        scene.reread("a.A", [])
        #expect(scene.accepted("a.A") == [1, 2])
        scene.reread("a.A", [])
        #expect(scene.accepted("a.A") == [])
    }
}

/// A thousand instances in a hundred services.
@Suite("the guard: in the course of time")
struct HoldTimeTests {
    private var store = CatalogStore(registries: ["zk"], policy: GuardPolicy())
    private var now = Duration.zero
    private var present = Set(0..<1000)

    private static func id(_ number: Int) -> ServiceID { ServiceID(name: "a.S\(number % 100)", protocol: .dubbo) }
    private static func key(_ number: Int) -> InstanceKey { InstanceKey("\(number)") }
    private static func instance(_ number: Int) -> Instance {
        Instance(host: .address(.v4(0x0A00_0000 | UInt32(number))), port: 20880)
    }

    private var accepted: Int { (0..<100).reduce(0) { $0 + store.service(Self.id($1)).instances.count } }
    private var hold: CatalogStore.HoldReport? { store.report(on: "zk")?.hold }

    private mutating func apply(_ event: SourceEvent) { _ = store.apply(event, from: "zk", now: now) }

    private mutating func read(unreadable: Set<Int> = []) {
        apply(.begin)
        let services = Dictionary(grouping: present, by: Self.id)
        for number in 0..<100 {
            let id = Self.id(number)
            if unreadable.contains(number) {
                apply(.unreadable(name: id.name, reason: "refused"))
            } else {
                let list = (services[id] ?? []).map { (Self.key($0), Self.instance($0)) }
                apply(.services(name: id.name, list.isEmpty ? [:] : [id: Dictionary(uniqueKeysWithValues: list)]))
            }
        }
        apply(.complete)
    }

    private mutating func add(_ numbers: some Sequence<Int>) {
        for number in numbers {
            present.insert(number)
            apply(.added(Self.id(number), Self.key(number), Self.instance(number)))
        }
    }

    private mutating func remove(_ numbers: some Sequence<Int>) {
        for number in numbers {
            present.remove(number)
            apply(.removed(Self.id(number), Self.key(number)))
        }
    }

    /// The settle time passes.
    private mutating func settle() {
        now += .milliseconds(500)
        _ = store.wake(now: now)
    }

    @Test("a registry that flaps is held each time: its recovery does not pay for later removals")
    mutating func flapping() {
        read()
        for round in 1...5 {
            now = .seconds(80 * round)
            remove(0..<400)
            settle()
            #expect(hold != nil && accepted == 1000)
            now += .seconds(60)
            add(0..<400)
            #expect(hold == nil && accepted == 1000)
        }
    }

    @Test("a registry that fails anew after its loss was released is held anew, however much has come back")
    mutating func flappingAfterRelease() {
        read()
        remove(0..<400)
        settle()
        _ = store.release("zk", now: now)
        #expect(accepted == 600)
        now += .seconds(120)
        add(0..<400)
        now += .seconds(20)
        remove(0..<400)
        settle()
        #expect(hold != nil && accepted == 1000)
    }

    @Test("a deployment in which every address changes is not held, also right after a recovery")
    mutating func deploymentAfterRecovery() {
        read()
        remove(0..<400)
        add(0..<400)
        #expect(hold == nil && accepted == 1000)
        for number in 0..<1000 {
            now += .milliseconds(20)
            add([number + 1000])
            remove([number])
            _ = store.wake(now: now)
            #expect(hold == nil)
        }
        settle()
        #expect(accepted == 1000)
    }

    @Test("a deployment that one read shows as a whole is not held, also right after a recovery")
    mutating func deploymentInOneRead() {
        read()
        remove(0..<400)
        add(0..<400)
        present = Set(1000..<2000)
        read()
        #expect(hold == nil && accepted == 1000)
    }

    @Test(
        "what was let go before a hold began counts for its length",
        arguments: [(250, 300), (600, nil)] as [(Int, Int?)])
    mutating func believedFirst(loss: Int, seconds: Int?) {
        read()
        now = .seconds(100)
        remove(0..<loss)
        read()
        #expect(hold?.remaining == seconds.map { .seconds($0) })
    }

    @Test("a removal late in a hold is held for as long as the others were")
    mutating func late() {
        read()
        present.subtract(0..<200)
        read()
        for _ in 0..<9 {
            now += .seconds(30)
            read()
        }
        now += .seconds(25)
        remove(200..<450)
        now += .seconds(5)
        read()
        #expect(hold?.held == 250 && accepted == 800)
        #expect(hold?.remaining == .seconds(295))
    }

    @Test("a provider that crashes again and again does not keep all others held")
    mutating func crashing() {
        read()
        present.subtract(0..<200)
        read()
        for step in 0..<20 {
            now += .seconds(30)
            read()
            if step % 4 == 0 { remove([999]) }
            if step % 4 == 1 { add([999]) }
        }
        #expect(hold == nil && accepted == 800)
    }

    @Test("a read that could not read a name neither confirms its loss nor lets its time run")
    mutating func unreadable() {
        read()
        remove(stride(from: 7, to: 1000, by: 100))
        #expect(store.service(Self.id(7)).instances.count == 1)
        read(unreadable: [7])
        #expect(store.service(Self.id(7)).instances.count == 1)
        read()
        #expect(store.service(Self.id(7)).instances.isEmpty)

        remove((0..<1000).filter { (10..<40).contains($0 % 100) })
        read()
        let held = store.service(Self.id(39)).instances.count
        #expect(held > 1)
        for _ in 0..<20 {
            now += .seconds(30)
            read(unreadable: [39])
        }
        #expect(store.service(Self.id(39)).instances.count == held && store.service(Self.id(38)).instances.isEmpty)
        for _ in 0..<10 {
            now += .seconds(30)
            read()
        }
        #expect(store.service(Self.id(39)).instances.isEmpty)
    }
}

@Suite("the guard: from before the start")
struct SeedTests {
    private var scene = Scene()

    private mutating func seed(_ services: [String: [UInt8]], by registries: [String] = ["zk"]) {
        _ = scene.store.seed(
            services.map { name, hosts in
                ServiceSeed(id: Scene.id(name), registries: registries, instances: hosts.map { .sample($0) })
            }, now: scene.now)
    }

    @Test("a seed shows in no service before a registry had a say, and nothing is decidable")
    mutating func undecided() {
        seed(["a.A": [1]])
        #expect(!scene.store.isDecidable(Scene.id("a.A")))
        #expect(scene.accepted("a.A") == [])
        scene.read(["a.A": [1]])
        #expect(scene.store.isDecidable(Scene.id("a.A")))
        #expect(scene.accepted("a.A") == [1])
    }

    @Test("an instance that left while the bridge was down is removed with the first read")
    mutating func small() {
        seed(["a.A": Array(1...40)])
        scene.read(["a.A": Array(3...41)])
        #expect(scene.accepted("a.A") == Array(3...41))
        #expect(scene.hold() == nil)
    }

    @Test("too large a loss against what was known before the start is held")
    mutating func large() {
        seed(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.read(["a.A": Array(1...40)])
        #expect(scene.accepted("a.B") == Array(41...80))
        #expect(scene.hold()?.held == 40)
    }

    @Test("an empty registry against what was known before the start is refused")
    mutating func empty() {
        seed(["a.A": [1]])
        scene.read([:])
        #expect(scene.accepted("a.A") == [1])
        #expect(scene.hold()?.cause == .emptyAnswer)
    }

    @Test("where a list can't be read, events change what was known before the start")
    mutating func joined() {
        seed(["a.A": Array(1...9)])
        scene.apply(.begin)
        scene.apply(.unreadable(name: "a.A", reason: "refused"))
        scene.apply(.complete)
        scene.add("a.A", 10)
        #expect(scene.accepted("a.A") == Array(1...10))
        // An event tells that the instance left, which this run of the bridge never saw.
        scene.apply(.removed(Scene.id("a.A"), InstanceKey("a.A-3"), at: Instance.sample(3).endpoint))
        #expect(scene.accepted("a.A") == [1, 2] + Array(4...10))
        // A provider that registers anew has two registrations for a while.
        scene.apply(.added(Scene.id("a.A"), InstanceKey("anew"), .sample(4)))
        scene.apply(.removed(Scene.id("a.A"), InstanceKey("a.A-4"), at: Instance.sample(4).endpoint))
        #expect(scene.accepted("a.A") == [1, 2] + Array(4...10))
        // A read that fails again changes nothing.
        for event in [.begin, .unreadable(name: "a.A", reason: "refused"), .complete] as [SourceEvent] {
            scene.apply(event)
        }
        #expect(scene.accepted("a.A") == [1, 2] + Array(4...10))
        scene.reread("a.A", Array(4...10))
        #expect(scene.accepted("a.A") == Array(4...10))
    }

    @Test("a service that is gone at the first read goes after a second one")
    mutating func gone() {
        seed(["a.A": [1], "a.B": [2]])
        scene.read(["a.B": [2]])
        #expect(scene.accepted("a.A") == [1])
        #expect(scene.reads == ["a.A"])
        scene.reread("a.A", [])
        #expect(scene.accepted("a.A") == [])
    }

    @Test("a deployment that went on while the bridge was away is not held")
    mutating func rolled() {
        seed(["a.A": Array(1...40)])
        scene.read(["a.A": Array(101...140)])
        #expect(scene.accepted("a.A") == Array(101...140))
        #expect(scene.hold() == nil)
    }

    @Test("many new instances at the first read do not excuse a loss right after it")
    mutating func newAtStart() {
        scene.read(["a.A": Array(1...100)])
        for host in UInt8(1)...40 { scene.remove("a.A", host) }
        scene.settle()
        #expect(scene.hold() != nil)
    }

    @Test("the address of a vanished instance that another service has now is not held")
    mutating func reused() {
        seed(["a.A": Array(1...40), "a.B": Array(41...80)])
        scene.apply(.begin)
        for (name, hosts, application) in [("a.B", Array(41...80), "shop"), ("a.C", [UInt8(7)], "till")] {
            scene.apply(.services(name: name, Scene.list(name, hosts, application: application)))
        }
        scene.apply(.complete)
        #expect(scene.accepted("a.A") == Array(1...6) + Array(8...40))
    }

    @Test("an instance that any registry may still announce waits for all of them")
    mutating func twoRegistries() {
        scene = Scene(registries: ["zk", "nacos"])
        seed(["a.A": [1, 2]], by: ["zk", "nacos"])
        scene.read(["a.A": [1]], from: "zk")
        #expect(scene.accepted("a.A") == [1, 2])
        scene.read(["a.A": [2]], from: "nacos")
        #expect(scene.accepted("a.A") == [1, 2])
        #expect(scene.store.service(Scene.id("a.A")).registries == ["zk", "nacos"])
    }

    /// The seed of one service whose endpoints two registries announced.
    private mutating func seed(_ hosts: [UInt8: [String]], by registries: [String]) {
        var announcers = EndpointAnnouncers()
        for (host, names) in hosts where names.count < registries.count {
            announcers[Instance.sample(host).endpoint] = names
        }
        let seed = ServiceSeed(
            id: Scene.id("a.A"), registries: registries, instances: hosts.keys.sorted().map { .sample($0) },
            announcers: announcers)
        _ = scene.store.seed([seed], now: scene.now)
    }

    @Test("a removal waits for a registry that was not read only where that announced the very endpoint")
    mutating func announcers() {
        scene = Scene(registries: ["zk", "nacos"])
        seed([1: ["zk"], 2: ["nacos"], 3: ["zk", "nacos"], 4: ["zk"]], by: ["zk", "nacos"])
        scene.read(["a.A": [4, 5]], from: "zk")
        #expect(scene.accepted("a.A") == [2, 3, 4, 5])
        let service = scene.store.service(Scene.id("a.A"))
        #expect(service.registries == ["zk", "nacos"])
        // The next start knows it too.
        #expect(
            service.announcers.groups == [
                "nacos": "10.0.0.2:20880 10.0.0.3:20880", "zk": "10.0.0.4:20880 10.0.0.5:20880",
            ])
        scene.remove("a.A", 4, from: "zk")
        #expect(scene.accepted("a.A") == [2, 3, 5])
        scene.read(["a.A": [3]], from: "nacos")
        #expect(scene.accepted("a.A") == [3, 5])
        #expect(scene.hold("zk") == nil && scene.hold("nacos") == nil)
    }

    @Test("an arrival of one registry shows before any was read, and leaves with its second read")
    mutating func arrival() {
        scene = Scene(registries: ["zk", "nacos"])
        seed([1: ["zk"], 2: ["nacos"]], by: ["zk", "nacos"])
        scene.add("a.A", 3)
        #expect(scene.accepted("a.A") == [1, 2, 3])
        // What this registry showed last of a service goes after a second read of it.
        scene.remove("a.A", 3)
        #expect(scene.accepted("a.A") == [1, 2, 3])
        scene.apply(.services(name: "a.A", [:]))
        #expect(scene.accepted("a.A") == [1, 2])
    }

    @Test("the last instance that one registry shows leaves, and what one that was not read announced stays")
    mutating func departure() {
        scene = Scene(registries: ["zk", "nacos"])
        seed([1: ["zk"]], by: ["zk"])
        scene.read(["a.A": [4]], from: "nacos")
        #expect(scene.accepted("a.A") == [1, 4])
        scene.remove("a.A", 4, from: "nacos")
        #expect(scene.accepted("a.A") == [1, 4])
        scene.apply(.services(name: "a.A", [:]), from: "nacos")
        #expect(scene.accepted("a.A") == [1])
    }

    @Test("of two registries one got another name and is down: the other goes on alone")
    mutating func renamedAndDown() {
        scene = Scene(registries: ["zk", "new"])
        seed([1: ["zk"], 2: ["old"], 3: ["zk"]], by: ["zk", "old"])
        scene.read(["a.A": [3, 4]], from: "zk")
        #expect(scene.accepted("a.A") == [2, 3, 4])
        #expect(scene.store.service(Scene.id("a.A")).registries == ["zk", "old"])
        scene.read(["a.A": [2, 5]], from: "new")
        #expect(scene.accepted("a.A") == [2, 3, 4, 5])
        #expect(scene.store.reports.map(\.name) == ["zk", "new"])
    }

    @Test("what stands only because a list can't be used any more goes with a release, and no more than that")
    mutating func leftOver() throws {
        seed(["a.A": [1, 2], "a.B": [3], "a.C": [4]])
        scene.apply(.begin)
        scene.apply(.unreadable(name: "a.A", reason: "garbage", isAnswered: true))
        scene.apply(.unreadable(name: "a.B", reason: "too long"))
        scene.apply(.services(name: "a.C", Scene.list("a.C", [4])))
        scene.apply(.complete)
        let report = try #require(scene.store.report(on: "zk"))
        #expect(report.services == 1 && report.instances == 1)
        #expect(report.leftOver.instances == 3 && report.leftOver.services == [Scene.id("a.A"), Scene.id("a.B")])
        let release = scene.store.release("zk", now: scene.now)?.release
        #expect(release?.instances == 2 && release?.services == [Scene.id("a.A")])
        #expect(scene.accepted("a.A") == [] && scene.accepted("a.B") == [3] && scene.accepted("a.C") == [4])
        #expect(scene.store.release("zk", now: scene.now) == nil)
        #expect(scene.store.release("zk", service: "a.X", now: scene.now) == nil)
        #expect(scene.store.release("zk", service: "a.B", now: scene.now)?.release.instances == 1)
        #expect(scene.accepted("a.B") == [])
    }

    @Test("of a registry that can't be reached, only what somebody names is let go")
    mutating func unreachable() {
        scene = Scene(registries: ["zk", "nacos"])
        seed([1: ["zk"], 2: ["nacos"], 3: ["zk", "nacos"]], by: ["zk", "nacos"])
        scene.read(["a.A": [1]], from: "zk")
        #expect(scene.store.release("nacos", now: scene.now) == nil)
        #expect(scene.store.release("nacos", service: "dubbo://a.A", now: scene.now)?.release.instances == 2)
        #expect(scene.accepted("a.A") == [1])
    }

    @Test("endpoints that only a removed registry announced stay until they are released")
    mutating func removedRegistry() throws {
        seed(["a.A": [1, 2]], by: ["old"])
        seed(["a.B": [3]])
        scene.read(["a.A": [2], "a.B": [3]])
        #expect(scene.accepted("a.A") == [1, 2])
        let hold = try #require(scene.hold("old"))
        #expect(hold.cause == .removedRegistry && hold.held == 1 && hold.remaining == nil)
        #expect(scene.store.isHealthy)
        _ = scene.store.release("old", now: scene.now)
        #expect(scene.accepted("a.A") == [2])
        #expect(scene.hold("old") == nil && scene.store.reports.map(\.name) == ["zk"])
    }

    @Test("an endpoint that a configured registry announced too goes when that one no longer shows it")
    mutating func removedRegistryAmongOthers() {
        seed([1: ["old", "zk"], 2: ["old", "zk"]], by: ["old", "zk"])
        scene.read(["a.A": [2]])
        #expect(scene.accepted("a.A") == [2] && scene.hold("old") == nil)
    }

    @Test("what is held of a removed registry goes when a configured one announces it and takes it back")
    mutating func removedRegistryAnswered() {
        seed(["a.A": [1, 2]], by: ["old"])
        scene.read(["a.A": [2]])
        #expect(scene.accepted("a.A") == [1, 2])
        scene.add("a.A", 1)
        scene.remove("a.A", 1)
        #expect(scene.accepted("a.A") == [2] && scene.hold("old") == nil)
    }

    @Test("a registry that only got another name holds nothing")
    mutating func renamed() {
        seed(["a.A": [1, 2]], by: ["old"])
        scene.read(["a.A": [1, 2]])
        #expect(scene.accepted("a.A") == [1, 2])
        #expect(scene.store.reports.map(\.name) == ["zk"])
    }

    @Test("by configuration, the endpoints of a removed registry are removed by the rules for losses")
    mutating func removedByChoice() {
        scene = Scene(policy: GuardPolicy(removedRegistries: .remove))
        seed(["a.A": [1, 2], "a.B": [3]], by: ["old"])
        scene.read(["a.A": [2], "a.B": [3]])
        #expect(scene.accepted("a.A") == [2])
    }
}

@Suite("a followed registry and a stale one")
struct StaleRegistryTests {
    private var scene = Scene(registries: ["zk", "nacos"])

    @Test("a removal in the followed one waits for a stale one that announces the endpoint, and for no other")
    mutating func removal() {
        scene.read(["a.A": [1, 2, 4]], from: "zk")
        scene.read(["a.A": [1, 3]], from: "nacos")
        scene.apply(.interrupted(reason: "lost"), from: "nacos")
        scene.remove("a.A", 1, from: "zk")
        scene.remove("a.A", 2, from: "zk")
        #expect(scene.accepted("a.A") == [1, 3, 4])
        scene.read(["a.A": [3]], from: "nacos")
        #expect(scene.accepted("a.A") == [3, 4])
    }

    @Test("while both are followed, an endpoint stays as long as one announces it")
    mutating func independent() {
        scene.read(["a.A": [1, 2]], from: "zk")
        scene.read(["a.A": [1, 2]], from: "nacos")
        scene.remove("a.A", 1, from: "zk")
        #expect(scene.accepted("a.A") == [1, 2])
    }

    @Test("a service depends on a stale registry that announces it, or did so last")
    mutating func depends() {
        scene.read(["a.A": [1], "a.B": [2]], from: "zk")
        scene.read(["a.A": [1]], from: "nacos")
        scene.apply(.interrupted(reason: "lost"), from: "nacos")
        #expect(scene.store.dependsOnUnhealthy(Scene.id("a.A"), announcedBy: ["zk"]))
        #expect(!scene.store.dependsOnUnhealthy(Scene.id("a.B"), announcedBy: ["zk"]))
        #expect(scene.store.dependsOnUnhealthy(Scene.id("a.B"), announcedBy: ["zk", "nacos"]))
        // It may be another name of the registry that can't be followed.
        #expect(scene.store.dependsOnUnhealthy(Scene.id("a.B"), announcedBy: ["old"]))
        scene.read(["a.A": [1]], from: "nacos")
        #expect(!scene.store.dependsOnUnhealthy(Scene.id("a.B"), announcedBy: ["old"]))
    }
}
