import Addressing
import IsthmusTesting
import Nacos
import Synchronization

@testable import NacosRegistry

/// A Nacos in memory, and the client of one of its namespaces.
final class FakeNacos: NamingClient {
    struct State {
        var services: [ServiceKey: [NacosInstance]] = [:]
        /// Names that lists show without instances.
        var empty: Set<ServiceKey> = []
        var connection: NacosConnection?
        var generation: UInt64 = 0
        var position: UInt64 = 0
        var subscribed: Set<ServiceKey> = []
        var kind = NacosConnection.Kind.grpc
        var watchesNames = false
        var isWatchComplete = true
        /// How requests fail.
        var listFailure: NacosError?
        var failures: [ServiceKey: NacosError] = [:]
        var queries = 0
        var lists = 0
    }

    let state = Observed(State())
    private let events = AsyncStream.makeStream(of: NacosEvent.self)

    func run() async {
        try? await Task.sleep(for: .seconds(3600))
    }

    func eachEvent(_ body: @Sendable (NacosEvent) async -> Void) async {
        for await event in events.stream { await body(event) }
    }

    // MARK: What a test does to the server

    func connect() {
        let connection = state.change { state in
            state.generation += 1
            let connection = NacosConnection(
                generation: state.generation, server: NacosServer(HostPort(host: "nacos", port: 8848)),
                kind: state.kind, supportsFuzzyWatch: state.watchesNames)
            state.connection = connection
            state.subscribed = []
            return connection
        }
        events.continuation.yield(.connected(connection))
        if connection.supportsFuzzyWatch { tellNames() }
    }

    func disconnect() {
        state.change { $0.connection = nil }
        events.continuation.yield(.disconnected(reason: "the connection was refused"))
    }

    private func tellNames() {
        let (names, isComplete) = state.change { (Set($0.services.keys).union($0.empty), $0.isWatchComplete) }
        events.continuation.yield(.services(names, isComplete: isComplete))
    }

    /// A restart: what had registered is gone until it registers again.
    func wipe() {
        disconnect()
        state.change { $0.services = [:] }
    }

    func set(_ name: String, group: String = ServiceKey.defaultGroup, _ hosts: String..., silently: Bool = false) {
        set(name, group: group, hosts: hosts, silently: silently)
    }

    /// - Parameter silently: Whether the push is lost.
    func set(_ name: String, group: String = ServiceKey.defaultGroup, hosts: [String], silently: Bool = false) {
        let key = ServiceKey(group: group, name: name)
        let (isNew, push) = state.change { state in
            let isNew = state.services[key]?.isEmpty != false && !hosts.isEmpty
            state.services[key] = hosts.map { NacosInstance(ip: $0, port: 80) }
            let isPushed = state.subscribed.contains(key) && state.connection?.kind == .grpc && !silently
            return (isNew && state.connection?.supportsFuzzyWatch == true, isPushed ? Self.update(key, &state) : nil)
        }
        if isNew { events.continuation.yield(.serviceAdded(key)) }
        if let push { events.continuation.yield(.service(push)) }
    }

    private static func update(_ key: ServiceKey, _ state: inout State) -> ServiceUpdate {
        state.position += 1
        return ServiceUpdate(
            info: ServiceInfo(key: key, instances: state.services[key] ?? []), position: state.position,
            generation: state.generation)
    }

    // MARK: What the client asks

    func names(of group: String) async throws(NacosError) -> [String] {
        let answer = state.change { state -> Result<[String], NacosError> in
            guard state.connection != nil else { return .failure(NacosError(.disconnected)) }
            return .success(
                Set(state.services.keys).union(state.empty).filter { $0.group == group }.map(\.name).sorted())
        }
        return try answer.get()
    }

    func allServices() async throws(NacosError) -> [ServiceKey] {
        let answer = state.change { state -> Result<[ServiceKey], NacosError> in
            state.lists += 1
            guard state.connection != nil else { return .failure(NacosError(.disconnected)) }
            if let failure = state.listFailure { return .failure(failure) }
            return .success(Set(state.services.keys).union(state.empty).sorted())
        }
        return try answer.get()
    }

    func subscribe(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate {
        try answer(key) { $0.subscribed.insert(key) }.get()
    }

    func query(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate {
        try answer(key) { $0.queries += 1 }.get()
    }

    private func answer<Other>(
        _ key: ServiceKey, _ body: (inout State) -> Other
    ) -> Result<ServiceUpdate, NacosError> {
        state.change { state in
            guard state.connection != nil else { return .failure(NacosError(.disconnected)) }
            if let failure = state.failures[key] { return .failure(failure) }
            _ = body(&state)
            return .success(Self.update(key, &state))
        }
    }

    func unsubscribe(_ key: ServiceKey) async { state.change { _ = $0.subscribed.remove(key) } }

    func watchNames() async {}
}
