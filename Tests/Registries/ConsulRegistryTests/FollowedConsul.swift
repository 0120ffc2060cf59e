import Addressing
import Consul
import HTTP
import IsthmusTesting
import Logging
import Services
import Settings
import Sources

@testable import ConsulRegistry

/// A source that follows a Consul in memory, and what it shows.
struct FollowedConsul: Sendable {
    struct Shown {
        /// By the text of each service, sorted.
        var hosts: [String: [String]] = [:]
        var unreadable: [String: String] = [:]
        var notes: [RegistryNote] = []
        /// How often a full read was complete.
        var reads = 0
        var isFollowed = false
        var interruption: String?
        private var instances: [ServiceID: [InstanceKey: Instance]] = [:]

        mutating func take(_ event: SourceEvent) {
            switch event {
            case .begin: break
            case .services(let name, let services):
                unreadable[name] = nil
                instances = instances.filter { $0.key.name != name }.merging(services) { $1 }
            case .unreadable(let name, let reason, _): unreadable[name] = reason
            case .complete:
                reads += 1
                isFollowed = true
                interruption = nil
            case .interrupted(let reason):
                isFollowed = false
                interruption = reason
            case .added(let id, let key, let instance): instances[id, default: [:]][key] = instance
            case .removed(let id, let key, _): instances[id]?[key] = nil
            case .notes(let notes): self.notes = notes
            }
            hosts = [:]
            for (id, instances) in instances where instances.values.contains(where: \.wantsTraffic) {
                hosts["\(id)"] = instances.values.filter(\.wantsTraffic).map { "\($0.host)" }.sorted()
            }
        }
    }

    let server: FakeConsul
    let clock: ManualClock
    let requests = ReadRequests()
    let shown = Observed(Shown())

    static func run(
        scopes: [ConsulScope] = [ConsulScope()], hasToken: Bool = false, services: NameFilter = NameFilter(),
        connections: Int = 150, rules: ConsulDecoder.Rules = .init(),
        preparing: (FakeConsul) -> Void = { _ in },
        _ body: @escaping @Sendable (FollowedConsul) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let server = FakeConsul(scopes: scopes, hasToken: hasToken)
        preparing(server)
        let scene = FollowedConsul(server: server, clock: clock)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let address = HTTPServer(HostPort(host: "consul", port: 8500))
        let reader = ConsulReader(
            servers: [address], connections: connections, decoder: .decoder(rules),
            selection: .init(scopes: scopes, services: services), clock: clock, logger: logger
        ) { (_) throws(ConsulError) in
            if server.state.value.isDown { throw ConsulError(.disconnected, "Connection refused") }
            return server
        }
        let follower = RegistryFollower(reader: reader, clock: clock, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await follower.run(requests: scene.requests) { event in scene.shown.change { $0.take(event) } }
            }
            // Sleeps are short: time passes all the while.
            group.addTask {
                while true {
                    try await Task.sleep(for: .milliseconds(2))
                    clock.advance(by: .milliseconds(100))
                }
            }
            try await body(scene)
            group.cancelAll()
            server.change { $0.isDown = true }
        }
    }

    /// Waits until this is shown; a test whose time is over fails by what it compares next.
    func waitUntil(_ holds: @escaping @Sendable (Shown) -> Bool) async { await shown.wait(until: holds) }

    func waitFor(_ hosts: [String: [String]]) async { await waitUntil { $0.isFollowed && $0.hosts == hosts } }

    /// Waits until the source has asked once more for everything that it wanted to ask for.
    func waitForQueries(_ count: Int) async {
        let reached = server.state.value.queries + count
        await server.state.wait { $0.queries >= reached }
    }
}
