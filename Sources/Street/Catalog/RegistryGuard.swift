internal import Services

/// Decides which removals of one registry are accepted: a pure policy over what was accepted, what is observed, and the
/// time.
///
/// Additions pass at once. A few removals pass at once in each settle time. More wait for its end, and are judged
/// together. Where so much is removed that it looks like a failure of the registry, a *hold* begins: these removals,
/// and the removals of the window that were accepted before, are not accepted. A service is left without any instance
/// only after a second read.
///
/// A held instance is still accepted as present. The accepted instances are the observed and the held ones, so an event
/// costs in proportion to what it changed.
package struct RegistryGuard: Sendable {
    /// The outcome of an observation.
    struct Reaction: Sendable {
        /// The services whose accepted instances may have changed.
        var changed: Set<ServiceID> = []
        /// The names of services that need a second read.
        var reads: Set<String> = []
        /// The endpoints that are new, not returned.
        var additions: [ServiceID: [Endpoint]] = [:]
    }

    let policy: GuardPolicy
    var hold: Hold?
    var held = HeldInstances()
    var ledger: LossLedger
    var recentRemovals: RecentRemovals
    /// The last settle time. It is over where its end has passed.
    var period: SettlePeriod?
    /// When `wake` has something to do; monotonic.
    var alarm: Duration?
    /// How many full reads have begun.
    private(set) var readCount = 0

    init(policy: GuardPolicy) {
        self.policy = policy
        ledger = LossLedger(window: policy.window)
        recentRemovals = RecentRemovals(policy: policy)
    }

    /// The time before the registry should be read again, since the hold waits for reads that agree. A hold that reads
    /// alone don't end still needs a read now and then: no event may have told of a recovery.
    var readInterval: Duration? {
        guard let hold, hold.cause.isOfRegistry else { return nil }
        return hold.needsOperator(held: held.count) ? policy.holdFor : Hold.readInterval(policy)
    }

    /// The shortest time until nothing is held any more; `nil` where only an operator or a recovery ends the hold.
    var remaining: Duration? {
        hold?.remaining(policy, held: held.loss, since: held.instances.compactMap(\.since).max() ?? .zero)
    }

    mutating func readBegins() {
        readCount += 1
    }

    /// The registry is not followed any more. Removals that wait are judged with the next complete read.
    mutating func interrupted() {
        hold?.interrupted()
        period = nil
        alarm = nil
    }
}

extension HeldInstance {
    /// The hold's own time from which on reads have to agree that the instance is gone; `nil` without a hold.
    var since: Duration? {
        if case .hold(let since, _) = reason { since } else { nil }
    }

    /// Whether its return shows that the registry had failed.
    var isOfFirstLoss: Bool {
        if case .hold(_, isOfFirstLoss: true) = reason { true } else { false }
    }
}
