import Consul
import Foundation
import IsthmusTesting
import Synchronization

@testable import ConsulRegistry

/// A Consul in memory, with blocking queries, an index that may go back, and rights that may be lost.
final class FakeConsul: Sendable {
    struct State {
        var index: UInt64 = 10
        var services: [ConsulService: [ConsulInstance]] = [:]
        /// The index of the last change of each service that ever was.
        var indexes: [ConsulService: UInt64] = [:]
        var isDown = false
        /// Whether the token sees this service, and instances of it.
        var mayReadService: @Sendable (String) -> Bool = { _ in true }
        var mayReadNodes = true
        var knowsToken = true
        /// Services that are answered as filtered.
        var filtered: Set<String> = []
        var failures: [String: ConsulError] = [:]
        /// The blocking queries under way, by service.
        var blocked: [String: Int] = [:]
        var queries = 0
    }

    let state: Observed<State>
    let hasToken: Bool

    init(scopes: [ConsulScope] = [ConsulScope()], hasToken: Bool = false) {
        self.hasToken = hasToken
        var state = State()
        for scope in scopes {
            let servers = ConsulService(scope: scope, name: ConsulService.ofServers)
            state.services[servers] = [Self.instance(of: "consul", "10.9.9.9", 8300)]
            state.indexes[servers] = 10
        }
        self.state = Observed(state)
    }

    static func instance(of service: String, _ host: String, _ port: Int = 80) -> ConsulInstance {
        var instance = ConsulInstance(id: "\(service)-\(host)", service: service, node: "n1", datacenter: "dc1")
        instance.ownAddress = host
        instance.port = port
        return instance
    }

    // MARK: What a test does to it

    func set(_ name: String, in scope: ConsulScope = ConsulScope(), _ hosts: String...) {
        set(name, in: scope, hosts.map { Self.instance(of: name, $0) })
    }

    func set(_ name: String, in scope: ConsulScope = ConsulScope(), _ instances: [ConsulInstance]) {
        state.change { state in
            state.index += 1
            let service = ConsulService(scope: scope, name: name)
            state.services[service] = instances.isEmpty ? nil : instances
            state.indexes[service] = state.index
        }
    }

    /// A restart without data: everything but the servers' own service is gone, and indexes begin anew.
    func wipe() {
        state.change { state in
            state.services = state.services.filter { $0.key.name == ConsulService.ofServers }
            state.indexes = state.indexes.mapValues { _ in 5 }
            state.index = 5
        }
    }

    func change(_ body: @Sendable (inout State) -> Void) { state.change(body) }
}

extension FakeConsul: CatalogClient {
    var place: String { "consul:8500" }

    func services(
        _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<[String: Set<String>]> {
        let state = try await answering(mode, "names of \(scope)") { $0.index }
        let names = state.services.keys.filter { $0.scope == scope && state.mayReadService($0.name) }
        let tags = names.map { name in
            (name.name, Set((state.services[name] ?? []).flatMap(\.tags)))
        }
        return ConsulAnswer(Dictionary(uniqueKeysWithValues: tags), index: state.index)
    }

    func instances(
        of service: String, _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<ConsulInstances> {
        let key = ConsulService(scope: scope, name: service)
        let state = try await answering(mode, service) { $0.indexes[key] ?? 1 }
        if let failure = state.failures[service] { throw failure }
        let isVisible = state.mayReadNodes && state.mayReadService(service)
        return ConsulAnswer(
            ConsulInstances(isVisible ? state.services[key] ?? [] : []), index: state.indexes[key] ?? 1,
            isFiltered: state.filtered.contains(service))
    }

    func knowsToken() async throws(ConsulError) -> Bool { state.value.knowsToken }

    /// Waits as the mode wants. A server that goes down ends each query.
    private func answering(
        _ mode: ConsulMode, _ what: String, _ index: @escaping @Sendable (State) -> UInt64
    ) async throws(ConsulError) -> State {
        state.change { $0.queries += 1 }
        if case .blocking(let after, _) = mode {
            state.change { $0.blocked[what, default: 0] += 1 }
            await state.wait { $0.isDown || index($0) != after || $0.failures[what] != nil }
            state.change { $0.blocked[what, default: 0] -= 1 }
        }
        if Task.isCancelled { throw ConsulError(.cancelled, "the request was cancelled") }
        let state = state.value
        if state.isDown { throw ConsulError(.disconnected, "Connection refused") }
        return state
    }
}
