import Addressing
import Conventions
import Eureka
import HTTP
import IsthmusTesting
import Logging
import Services
import Settings
import Sources
import Testing

@testable import EurekaRegistry

/// A source that follows Eureka servers in memory, and what it shows.
struct FollowedEureka: Sendable {
    struct Shown {
        /// By the text of each service, sorted.
        var hosts: [String: [String]] = [:]
        var notes: [RegistryNote] = []
        /// How often a full read was complete.
        var reads = 0
        var isFollowed = false
        var interruption: String?
        private var instances: [ServiceID: [InstanceKey: Instance]] = [:]
        private var staged: [ServiceID: [InstanceKey: Instance]]?

        mutating func take(_ event: SourceEvent) {
            switch event {
            case .begin: staged = [:]
            case .services(let name, let services):
                if staged != nil {
                    staged?.merge(services) { $1 }
                } else {
                    instances = instances.filter { $0.key.name != name }.merging(services) { $1 }
                }
            case .complete:
                instances = staged ?? [:]
                staged = nil
                reads += 1
                isFollowed = true
            case .interrupted(let reason):
                staged = nil
                isFollowed = false
                interruption = reason
            case .notes(let notes): self.notes = notes
            case .added, .removed, .unreadable: break
            }
            hosts = [:]
            for (id, instances) in instances where instances.values.contains(where: \.wantsTraffic) {
                hosts["\(id)"] = instances.values.filter(\.wantsTraffic).map { "\($0.host)" }.sorted()
            }
        }
    }

    let servers: [FakeEureka]
    let clock: ManualClock
    let requests = ReadRequests()
    let shown = Observed(Shown())

    var server: FakeEureka { servers[0] }

    static func run(
        servers count: Int = 1, delay: Duration = .seconds(60), preparing: (FakeEureka) -> Void = { _ in },
        _ body: @escaping @Sendable (FollowedEureka) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let addresses = (1...count).map { HTTPServer(HostPort(host: "eureka-\($0)", port: 8761)) }
        let fakes = addresses.map { FakeEureka($0.description) }
        for fake in fakes { preparing(fake) }
        let scene = FollowedEureka(servers: fakes, clock: clock)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let reader = EurekaReader(
            servers: addresses, decoder: .standard, selection: NameFilter(), absenceDelay: delay, clock: clock,
            logger: logger
        ) { (address) throws(EurekaError) in
            guard let fake = fakes.first(where: { $0.place == address.description }) else {
                throw EurekaError(.disconnected, "no such server")
            }
            return fake
        }
        let follower = RegistryFollower(reader: reader, clock: clock, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await follower.run(requests: scene.requests) { event in scene.shown.change { $0.take(event) } }
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: .milliseconds(2))
                    clock.advance(by: .seconds(1))
                }
            }
            try await body(scene)
            group.cancelAll()
        }
    }

    func waitUntil(_ holds: @escaping @Sendable (Shown) -> Bool) async { await shown.wait(until: holds) }

    func waitFor(_ hosts: [String: [String]]) async { await waitUntil { $0.isFollowed && $0.hosts == hosts } }
}

@Suite("following a Eureka", .timeLimit(.minutes(1)))
struct EurekaReaderTests {
    private static let both = ["http://cart": ["10.0.0.1", "10.0.0.2"]]

    @Test("what registers, changes and is cancelled is shown by deltas")
    func life() async throws {
        try await FollowedEureka.run(preparing: { $0.register("CART", "10.0.0.1") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.register("CART", "10.0.0.2")
            await scene.waitFor(Self.both)
            var down = FakeEureka.instance("CART", "10.0.0.2")
            down.status = .outOfService
            scene.server.put(down)
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.cancel("CART", "10.0.0.2")
            scene.server.register("ORDERS", "10.0.1.1")
            await scene.waitFor(["http://cart": ["10.0.0.1"], "http://orders": ["10.0.1.1"]])
            scene.server.cancel("ORDERS", "10.0.1.1")
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("a change that no delta tells is found by the digest")
    func digest() async throws {
        try await FollowedEureka.run(preparing: { $0.register("CART", "10.0.0.1", "10.0.0.2") }) { scene in
            await scene.waitFor(Self.both)
            scene.server.cancel("CART", "10.0.0.2", silently: true)
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("a server without deltas is read in full")
    func noDeltas() async throws {
        try await FollowedEureka.run(
            preparing: { server in
                server.register("CART", "10.0.0.1", "10.0.0.2")
                server.change { $0.hasDeltas = false }
            }
        ) { scene in
            await scene.waitFor(Self.both)
            scene.server.cancel("CART", "10.0.0.2")
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("a restarted server that knows nothing removes nothing until its clients had time to come back")
    func restart() async throws {
        try await FollowedEureka.run(preparing: { $0.register("CART", "10.0.0.1", "10.0.0.2") }) { scene in
            await scene.waitFor(Self.both)
            let start = scene.clock.now
            scene.server.restart()
            let reads = scene.server.state.value.fullReads
            await scene.server.state.wait { $0.fullReads > reads }
            var back = FakeEureka.instance("CART", "10.0.0.1")
            back.registered = 2
            scene.server.put(back)
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            #expect(start.duration(to: scene.clock.now) >= .seconds(60))
        }
    }

    @Test("when a server fails the next one is asked, and what only the first one knew stays until that is certain")
    func failover() async throws {
        try await FollowedEureka.run(
            servers: 2, delay: .seconds(600), preparing: { $0.register("CART", "10.0.0.1") }
        ) { scene in
            scene.servers[0].register("CART", "10.0.0.2")
            await scene.waitFor(Self.both)
            scene.servers[0].change { $0.failure = EurekaError(.disconnected, "Connection refused") }
            let reads = scene.servers[1].state.value.fullReads
            await scene.servers[1].state.wait { $0.fullReads > reads }
            // The first server is back, and shows it still: its word counts.
            scene.servers[0].change { $0.failure = nil }
            let requests = scene.servers[0].state.value.fullReads
            await scene.servers[0].state.wait { $0.fullReads > requests }
            #expect(scene.shown.value.hosts == Self.both)
            scene.servers[0].cancel("CART", "10.0.0.2")
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("while no server answers everything stays, and a refused password is told")
    func outage() async throws {
        try await FollowedEureka.run(preparing: { $0.register("CART", "10.0.0.1", "10.0.0.2") }) { scene in
            await scene.waitFor(Self.both)
            scene.server.change { $0.failure = EurekaError(.forbidden, "the password is refused") }
            await scene.waitUntil { !$0.isFollowed && $0.interruption?.contains("password") == true }
            #expect(scene.shown.value.hosts == Self.both)
            scene.server.change { $0.failure = nil }
            await scene.waitFor(Self.both)
        }
    }

    @Test("an empty server that has just started is no empty registry at the start")
    func youngServer() async throws {
        try await FollowedEureka.run { scene in
            await scene.waitUntil { $0.interruption?.contains("started a moment ago") == true }
            #expect(scene.shown.value.reads == 0)
            scene.server.register("CART", "10.0.0.1")
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }
}
