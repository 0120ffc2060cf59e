import Eureka
import IsthmusTesting

@testable import EurekaRegistry

/// A Eureka server in memory.
final class FakeEureka: RegistryClient {
    struct State {
        var instances: [EurekaInstance.Key: EurekaInstance] = [:]
        /// What a delta tells.
        var changes: [EurekaInstance.Key: EurekaInstance] = [:]
        var time: Int64 = 1_000_000_000
        var failure: EurekaError?
        var hasDeltas = true
        var fullReads = 0
        var requests = 0
    }

    let place: String
    let state = Observed(State())

    init(_ place: String) {
        self.place = place
    }

    static func instance(_ application: String, _ address: String, _ port: Int = 80) -> EurekaInstance {
        var instance = EurekaInstance(application: application, id: "\(address):\(port)")
        instance.address = address
        instance.port = port
        instance.registered = 1
        return instance
    }

    // MARK: What a test does to it

    func register(_ application: String, _ addresses: String...) {
        for address in addresses { put(Self.instance(application, address)) }
    }

    func put(_ instance: EurekaInstance) {
        state.change { state in
            state.instances[instance.key] = instance
            state.changes[instance.key] = instance
        }
    }

    func cancel(_ application: String, _ address: String, silently: Bool = false) {
        var gone = Self.instance(application, address)
        gone.action = .deleted
        state.change { [gone] state in
            state.instances[gone.key] = nil
            state.changes[gone.key] = silently ? nil : gone
        }
    }

    /// What had registered is gone until it registers anew.
    func restart() {
        state.change { state in
            state.instances = [:]
            state.changes = [:]
        }
    }

    func change(_ body: @Sendable (inout State) -> Void) { state.change(body) }

    // MARK: RegistryClient

    func all() async throws(EurekaError) -> EurekaDocument {
        let state = try answer { $0.fullReads += 1 }
        return EurekaDocument(
            Array(state.instances.values), digest: EurekaDocument.digest(of: state.instances.values),
            serverTime: state.time)
    }

    func changes() async throws(EurekaError) -> EurekaDocument {
        let state = try answer { _ in }
        if !state.hasDeltas { throw EurekaError(.unsupported, "no deltas") }
        return EurekaDocument(
            Array(state.changes.values), digest: EurekaDocument.digest(of: state.instances.values),
            serverTime: state.time)
    }

    private func answer(_ note: @Sendable (inout State) -> Void) throws(EurekaError) -> State {
        let state = state.change { state in
            state.requests += 1
            note(&state)
            return state
        }
        if let failure = state.failure { throw failure }
        return state
    }
}
