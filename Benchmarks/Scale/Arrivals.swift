internal import Addressing
internal import IstioAPI
internal import Synchronization

/// Matches delivered resources with the changes that they show. Each change has an address of its own.
final class Arrivals: Sendable {
    private struct State {
        var pending: [String: (since: ContinuousClock.Instant, service: Int)] = [:]
        var latencies = Histogram()
        var superseded = 0
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Expects a change. To be called before its first event.
    func expect(_ change: ChangeStream.Change, since: ContinuousClock.Instant) {
        state.withLock { state in
            // An instance that moves on before a delivery is never seen at this address.
            if state.pending.removeValue(forKey: "\(IPAddress.v4(change.formerAddress))") != nil {
                state.superseded += 1
            }
            state.pending["\(IPAddress.v4(change.address))"] = (since, change.service)
        }
    }

    func observe(_ entry: ServiceEntry) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            let now = ContinuousClock.now
            for endpoint in entry.endpoints {
                guard let change = state.pending.removeValue(forKey: endpoint.address) else { continue }
                state.latencies.record(now - change.since)
            }
            return state.pending.isEmpty ? state.waiting.take() : nil
        }
        waiter?.resume()
    }

    /// Returns when every expected change was seen.
    func waitForAll() async {
        await withCheckedContinuation { continuation in
            let areThere = state.withLock { state in
                if state.pending.isEmpty { return true }
                state.waiting = continuation
                return false
            }
            if areThere { continuation.resume() }
        }
    }

    var latencies: Histogram { state.withLock { $0.latencies } }
    /// How many changes were overtaken by the next change of the same instance.
    var superseded: Int { state.withLock { $0.superseded } }
}
