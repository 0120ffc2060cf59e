import IsthmusTesting
import IstioAPI
import Nacos
import Services
import Sources
import Testing

@testable import NacosRegistry

@Suite("the view of a Nacos registry")
struct NacosViewTests {
    /// Nacos with services of one port, and what a follower makes of the changes.
    private struct Scene {
        var view = NacosView(absenceDelay: .seconds(30))
        var now = Duration.zero
        var position: UInt64 = 0
        var generation: UInt64 = 0
        /// What the changes add up to.
        var told: [String] = []
        var readings: Set<String> = []

        mutating func connect() {
            generation += 1
            view.connected("public", generation: generation, now: now)
        }

        mutating func list(_ names: String...) {
            let services = Set(names.map { NacosService(key: ServiceKey(name: $0)) })
            _ = view.listed(services, in: "public")
        }

        mutating func answer(_ name: String = "cart", _ hosts: String...) {
            position += 1
            answer(name, hosts, position: position)
        }

        mutating func answer(_ name: String, _ hosts: [String], position: UInt64) {
            let key = ServiceKey(name: name)
            let info = ServiceInfo(key: key, instances: hosts.map { NacosInstance(ip: $0, port: 80) })
            let service = NacosService(key: key)
            take(
                view.answered(
                    service, NacosDecoder.standard.decode(service, info), generation: generation, position: position,
                    now: now))
        }

        mutating func pass(_ time: Duration) {
            now += time
            take(view.timePassed(now: now))
        }

        private mutating func take(_ changes: [RegistryChange]) {
            for case .instance(let change) in changes {
                if let instance = change.instance {
                    told.append("+\(instance.host)")
                } else {
                    told.append("-")
                }
            }
            for case .changed(let name) in changes { readings.insert(name) }
        }

        mutating func takeTold() -> [String] {
            defer { told = [] }
            return told
        }

        func hosts(_ name: String = "cart") -> [String] {
            guard case .services(let services) = view.reading(of: name).content else { return ["unusable"] }
            return services.values.flatMap { $0.values.map { "\($0.host)" } }.sorted()
        }
    }

    private static func connected(_ hosts: String...) -> Scene {
        var scene = Scene()
        scene.connect()
        scene.list("cart")
        scene.position += 1
        scene.answer("cart", hosts, position: scene.position)
        _ = scene.takeTold()
        return scene
    }

    @Test("the first connection has nothing to wait for: an answer counts as it is")
    func first() {
        var scene = Self.connected("10.0.0.1", "10.0.0.2")
        #expect(scene.view.deadline == nil)
        scene.answer("cart", "10.0.0.1")
        #expect(scene.takeTold() == ["-"])
        #expect(scene.hosts() == ["10.0.0.1"])
    }

    @Test("a server that has just started answers nothing: what is missing stays while providers may return")
    func restart() {
        var scene = Self.connected("10.0.0.1", "10.0.0.2")
        scene.connect()
        scene.answer("cart")
        #expect(scene.takeTold() == [])
        #expect(scene.hosts() == ["10.0.0.1", "10.0.0.2"])
        scene.pass(.seconds(3))
        scene.answer("cart", "10.0.0.1")
        #expect(scene.takeTold() == [])
        scene.pass(.seconds(26))
        #expect(scene.takeTold() == [])
        scene.pass(.seconds(1))
        // The second one did not come back.
        #expect(scene.takeTold() == ["-"])
        #expect(scene.hosts() == ["10.0.0.1"])
        #expect(scene.view.deadline == nil)
    }

    @Test("an instance that was seen on this connection leaves at once")
    func seen() {
        var scene = Self.connected("10.0.0.1", "10.0.0.2")
        scene.connect()
        scene.answer("cart", "10.0.0.1")
        #expect(scene.hosts() == ["10.0.0.1", "10.0.0.2"])
        scene.answer("cart")
        #expect(scene.takeTold() == ["-"])
        #expect(scene.hosts() == ["10.0.0.2"])
    }

    @Test("an instance that is new or changed on a new connection passes at once")
    func additions() {
        var scene = Self.connected("10.0.0.1")
        scene.connect()
        scene.answer("cart", "10.0.0.9")
        #expect(scene.takeTold() == ["+10.0.0.9"])
        #expect(scene.hosts() == ["10.0.0.1", "10.0.0.9"])
    }

    @Test("each connection has a wait of its own, and nothing is believed that was never answered on it")
    func connections() {
        var scene = Self.connected("10.0.0.1")
        scene.connect()
        scene.answer("cart")
        scene.pass(.seconds(29))
        scene.connect()
        scene.pass(.seconds(29))
        #expect(scene.hosts() == ["10.0.0.1"])
        scene.pass(.seconds(1))
        // The wait is over, and this connection has not said anything about the service.
        #expect(scene.hosts() == ["10.0.0.1"])
        scene.answer("cart")
        #expect(scene.takeTold() == ["-"])
    }

    @Test("a service that was not asked for on a new connection keeps its instances, however long that takes")
    func unanswered() {
        var scene = Self.connected("10.0.0.1")
        scene.connect()
        scene.pass(.seconds(3600))
        #expect(scene.hosts() == ["10.0.0.1"])
        scene.answer("cart")
        #expect(scene.takeTold() == ["-"])
    }

    @Test("a service that lists no longer name is followed as long as it has instances")
    func lists() {
        var scene = Self.connected("10.0.0.1")
        for _ in 0..<3 { scene.list() }
        #expect(scene.view.services.count == 1)
        scene.answer("cart")
        scene.list()
        #expect(scene.view.services.isEmpty)
        #expect(scene.view.names.isEmpty)
    }

    @Test("a name that one list misses is followed, since pages may miss one")
    func missedOnce() {
        var scene = Self.connected()
        scene.list()
        #expect(scene.view.services.count == 1)
        scene.list("cart")
        scene.list()
        #expect(scene.view.services.count == 1)
        scene.list()
        #expect(scene.view.services.isEmpty)
    }

    @Test("an answer that is older than one that was taken says nothing")
    func order() {
        var scene = Self.connected("10.0.0.1")
        let late = scene.position
        scene.answer("cart", "10.0.0.1", "10.0.0.2")
        scene.answer("cart", ["10.0.0.3"], position: late)
        #expect(scene.hosts() == ["10.0.0.1", "10.0.0.2"])
    }

    @Test("equal answers in another order are no change")
    func equal() {
        var scene = Self.connected("10.0.0.1", "10.0.0.2")
        let revision = scene.view.revision
        scene.answer("cart", "10.0.0.2", "10.0.0.1")
        #expect(scene.takeTold() == [])
        #expect(scene.view.revision == revision)
    }

    @Test("where no instance can be used the last good ones stay, and the name is to be read")
    func unusable() {
        var scene = Self.connected("10.0.0.1")
        scene.answer("cart", "not a host")
        #expect(scene.takeTold() == [])
        #expect(scene.readings == ["cart"])
        #expect(scene.hosts() == ["unusable"])
        scene.readings = []
        scene.answer("cart", "also no host")
        #expect(scene.readings == [])
        scene.answer("cart")
        #expect(scene.readings == ["cart"])
        #expect(scene.hosts() == [])
    }

    @Test("an unusable answer on a new connection leaves the wait to the first usable one")
    func unusableThenEmpty() {
        var scene = Self.connected("10.0.0.1")
        scene.connect()
        scene.answer("cart", "not a host")
        scene.answer("cart")
        #expect(scene.hosts() == ["10.0.0.1"])
        scene.pass(.seconds(30))
        #expect(scene.hosts() == [])
    }

    @Test("two services of Nacos that serve one name are read as one")
    func oneName() {
        var scene = Scene()
        scene.connect()
        scene.list("cart", "cart.grpc")
        scene.answer("cart", "10.0.0.1")
        scene.answer("cart.grpc", "10.0.0.2")
        #expect(scene.view.services(named: "cart").map(\.key.name) == ["cart", "cart.grpc"])
        #expect(scene.hosts("cart") == ["10.0.0.1"])
        #expect(scene.hosts("cart.grpc") == ["10.0.0.2"])
    }

    @Test("beyond the limit of services those that were first stay, and the rest is counted")
    func limit() {
        var view = NacosView(absenceDelay: .seconds(30), limit: 2)
        let services = ["a", "b", "c", "d"].map { NacosService(key: ServiceKey(name: $0)) }
        #expect(view.listed(Set(services), in: "public").new == Array(services.prefix(2)))
        let note = view.notes.first { $0.sort == "servicesBeyondLimit" }
        #expect(note?.count == 2)
        #expect(note?.examples == ["c", "d"])
        for _ in 0..<2 { _ = view.listed(Set(services.suffix(3)), in: "public") }
        #expect(view.services == [services[1], services[2]])
    }

    @Test("a service below the protection threshold is named")
    func protected() {
        var view = NacosView(absenceDelay: .seconds(30))
        let service = NacosService(key: ServiceKey(name: "cart"))
        _ = view.listed([service], in: "public")
        func answer(_ isProtected: Bool, position: UInt64) {
            let info = ServiceInfo(
                key: service.key, instances: [NacosInstance(ip: "10.0.0.1", port: 80)],
                reachesProtectionThreshold: isProtected)
            _ = view.answered(
                service, NacosDecoder.standard.decode(service, info), generation: 1, position: position, now: .zero)
        }
        answer(true, position: 1)
        #expect(view.notes.map(\.sort) == ["protectedServices"])
        answer(false, position: 2)
        #expect(view.notes == [])
    }

    @Test(
        "whatever connections, answers and pauses come, the changes add up to what a read shows",
        arguments: SeededGenerator.seeds(24))
    func changesAddUp(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var view = NacosView(absenceDelay: .seconds(30))
        let services = ["a", "a.grpc", "b"].map { NacosService(key: ServiceKey(name: $0)) }
        _ = view.listed(Set(services), in: "public")
        var shown: [String: SourceEvent.Instances] = [:]
        var now = Duration.zero
        var generation: UInt64 = 1
        /// The instances that an answer of this connection had.
        var seen: Set<String> = []
        var lastConnection = Duration.seconds(-100)
        view.connected("public", generation: generation, now: now)
        func apply(_ changes: [RegistryChange]) {
            for change in changes {
                switch change {
                case .instance(let change):
                    shown[change.service.name, default: [:]][change.service, default: [:]][change.key] = change.instance
                case .changed(let name):
                    guard case .services(let services) = view.reading(of: name).content else { continue }
                    shown[name] = services
                default: break
                }
            }
        }
        for position in 1...300 as ClosedRange<UInt64> {
            now += .seconds(Int.random(in: 0...6, using: &random))
            apply(view.timePassed(now: now))
            if Int.random(in: 0..<20, using: &random) == 0 {
                generation += 1
                seen = []
                lastConnection = now
                view.connected("public", generation: generation, now: now)
            }
            let service = services.randomElement(using: &random)!
            let hosts = (1...4).filter { _ in Bool.random(using: &random) }.map { "10.0.0.\($0)" }
            let before = Set(view.entries[service]!.shown.values.flatMap(\.values).map { "\(service) \($0.host)" })
            let info = ServiceInfo(
                key: service.key,
                instances: hosts.map {
                    NacosInstance(ip: $0, port: 80, metadata: Bool.random(using: &random) ? ["kind": "grpc"] : [:])
                })
            apply(
                view.answered(
                    service, NacosDecoder.standard.decode(service, info), generation: generation, position: position,
                    now: now))
            let after = Set(view.entries[service]!.shown.values.flatMap(\.values).map { "\(service) \($0.host)" })
            let answered = Set(hosts.map { "\(service) \($0)" })
            #expect(after.isSuperset(of: answered))
            let lost = before.subtracting(after)
            if now - lastConnection < .seconds(30), generation > 1 {
                #expect(lost.isSubset(of: seen), "only what was seen on this connection leaves at once")
            } else {
                #expect(after == answered)
            }
            seen.formUnion(answered)
            for name in ["a", "a.grpc", "b"] {
                guard case .services(let services) = view.reading(of: name).content else { continue }
                let told = (shown[name] ?? [:]).filter { !$0.value.isEmpty }
                #expect(told == services, "\(name)")
            }
        }
    }
}
