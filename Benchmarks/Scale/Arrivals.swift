internal import Addressing
internal import IstioAPI
internal import Synchronization

/// Matches what is handed over with the changes that it shows: each has an address of its own.
final class Arrivals: Sendable {
    private struct State {
        var pending: [String: (since: ContinuousClock.Instant, service: Int)] = [:]
        var latencies = Histogram()
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// To be called before the change's first event.
    func expect(_ change: ChangeStream.Change, since: ContinuousClock.Instant) {
        state.withLock { $0.pending["\(IPAddress.v4(change.address))"] = (since, change.service) }
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
}
