internal import Concurrency
internal import Deliveries
internal import IstioAPI
internal import Logging
internal import Synchronization

/// What is told of hosts that somebody else has: in the status, and in the log when it begins and ends.
final class HostConflicts: Sendable {
    private struct Conflict {
        var reason: String
        /// Monotonic.
        var since: Duration
    }

    private struct State {
        var conflicts: [ResourceKey: Conflict] = [:]
        var notes: [ForeignView: String] = [:]
        /// Since when the hosts' domain has been a namespace of the cluster.
        var domainTakenSince: Duration?
    }

    private let state = Mutex(State())
    private let stopwatch: Stopwatch
    private let logger: Logger

    init(stopwatch: Stopwatch, logger: Logger) {
        self.stopwatch = stopwatch
        self.logger = logger
    }

    var notes: [String] { state.withLock { $0.notes.values.sorted() } }

    var count: Int { state.withLock { $0.conflicts.count } }

    /// The oldest first.
    var failures: [ResourceFailure] {
        let now = stopwatch.elapsed
        return state.withLock { $0.conflicts }.map { key, conflict in
            ResourceFailure(
                key: key, kind: .hostTaken, reason: conflict.reason, age: now - conflict.since, retryIn: nil)
        }.sorted { ($1.age, $0.key) < ($0.age, $1.key) }
    }

    func begin(_ conflict: HostConflict) {
        let (key, reason) = (conflict.key, conflict.reason)
        let isNews = state.withLock { state in
            let known = state.conflicts[key]
            state.conflicts[key] = Conflict(reason: reason, since: known?.since ?? stopwatch.elapsed)
            return known?.reason != reason
        }
        guard isNews else { return }
        logger.error(
            "host taken by another object",
            metadata: ["resource": "\(key)", "isCreated": "\(conflict.created != nil)", "reason": "\(reason)"])
    }

    func end(_ key: ResourceKey) {
        guard state.withLock({ $0.conflicts.removeValue(forKey: key) }) != nil else { return }
        logger.info("host not taken any more", metadata: ["resource": "\(key)"])
    }

    /// Another replica sees to the resources.
    func forget() { state.withLock { $0.conflicts = [:] } }

    // MARK: What can't be seen

    func note(_ view: ForeignView, _ reason: String) {
        let isNews = state.withLock { $0.notes.updateValue(reason, forKey: view) == nil }
        if isNews { logger.warning("hosts of others not visible", metadata: ["reason": "\(reason)"]) }
    }

    func see(_ view: ForeignView) {
        if state.withLock({ $0.notes.removeValue(forKey: view) }) == nil { return }
        logger.info("hosts of others visible", metadata: ["view": "\(view.description)"])
    }

    // MARK: The domain

    func setDomainTaken(_ isTaken: Bool, _ domain: String) {
        let isNews = state.withLock { state in
            defer { state.domainTakenSince = isTaken ? state.domainTakenSince ?? stopwatch.elapsed : nil }
            return isTaken && state.domainTakenSince == nil
        }
        if isNews {
            logger.error("the hosts' domain is a namespace of the cluster", metadata: ["domain": "\(domain)"])
        }
    }

    func domainCondition(_ domain: String) -> DeliveryCondition? {
        state.withLock { $0.domainTakenSince }.map { since in
            DeliveryCondition(
                reason:
                    "the domain '\(domain)' is a namespace of this cluster: a host such as 'orders.\(domain)' is the "
                    + "Service 'orders' there; no new host is created; choose another translation.domain",
                age: stopwatch.elapsed - since)
        }
    }
}
