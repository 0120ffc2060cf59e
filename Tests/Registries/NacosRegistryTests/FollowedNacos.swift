import IsthmusTesting
import Logging
import Nacos
import Services
import Sources

@testable import NacosRegistry

/// A source that follows a Nacos in memory, and what it shows.
struct FollowedNacos: Sendable {
    struct Shown {
        /// By the text of each service, sorted.
        var hosts: [String: [String]] = [:]
        var unreadable: Set<String> = []
        var notes: [RegistryNote] = []
        /// How often a full read was complete.
        var reads = 0
        var isFollowed = false
        /// The service and the host of each instance that has left so far.
        private(set) var departures: Set<String> = []
        private var instances: [ServiceID: [InstanceKey: Instance]] = [:]

        mutating func forgetDepartures() { departures = [] }

        mutating func take(_ event: SourceEvent) {
            switch event {
            case .begin: break
            case .services(let name, let services):
                // A full read lists every name, so that none is left over.
                unreadable.remove(name)
                instances = instances.filter { $0.key.name != name }.merging(services) { $1 }
            case .unreadable(let name, _, _): unreadable.insert(name)
            case .complete:
                reads += 1
                isFollowed = true
            case .interrupted: isFollowed = false
            case .added(let id, let key, let instance): instances[id, default: [:]][key] = instance
            case .removed(let id, let key, _): instances[id]?[key] = nil
            case .notes(let notes): self.notes = notes
            }
            let before = hosts
            hosts = [:]
            defer {
                for (id, earlier) in before {
                    departures.formUnion(Set(earlier).subtracting(hosts[id] ?? []).map { "\(id) \($0)" })
                }
            }
            for (id, instances) in instances where !instances.isEmpty {
                hosts["\(id)"] = instances.values.map { "\($0.host)" }.sorted()
            }
        }
    }

    let servers: [String: FakeNacos]
    let clock: ManualClock
    let requests = ReadRequests()
    let shown = Observed(Shown())

    var server: FakeNacos { servers["public"] ?? FakeNacos() }

    static func run(
        namespaces: [String] = ["public"], selection: ServiceSelection = ServiceSelection(),
        _ body: @escaping @Sendable (FollowedNacos) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let pairs = namespaces.map { ($0, FakeNacos()) }
        let scene = FollowedNacos(servers: Dictionary(uniqueKeysWithValues: pairs), clock: clock)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let decoder = NacosDecoder(
            hasSeveralNamespaces: namespaces.count > 1, policy: NacosDecoder.policy, keptAttributes: [],
            hosts: HostRules())
        let reader = NacosReader(
            clients: scene.servers, decoder: decoder, selection: selection,
            view: NacosView(absenceDelay: .seconds(30)), clock: clock, logger: logger)
        let follower = RegistryFollower(reader: reader, clock: clock, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await follower.run(requests: scene.requests) { event in scene.shown.change { $0.take(event) } }
            }
            try await body(scene)
            group.cancelAll()
        }
    }

    /// Waits until this is shown; a test whose time is over fails by what it compares next.
    func waitUntil(_ holds: @escaping @Sendable (Shown) -> Bool) async { await shown.wait(until: holds) }

    func waitFor(_ hosts: [String: [String]]) async { await waitUntil { $0.isFollowed && $0.hosts == hosts } }

    /// Moves the clock in steps, as long as that is needed: whoever sleeps until then has to sleep already.
    func pass(until holds: @escaping @Sendable (Shown) -> Bool, step: Duration = .seconds(1)) async throws -> Duration {
        var passed = Duration.zero
        while !holds(shown.value) {
            try Task.checkCancellation()
            clock.advance(by: step)
            passed += step
            for _ in 0..<50 where !holds(shown.value) { await Task.yield() }
            try await Task.sleep(for: .milliseconds(1))
        }
        return passed
    }
}
