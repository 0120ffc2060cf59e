/// Removals of one registry that are not accepted, since they look like its failure.
package struct Hold: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// More instances went within a window than arrivals paid for, by too much.
        case netLoss
        /// A full read was complete and showed no instance at all.
        case emptyAnswer
        /// The registry is no longer configured.
        case removedRegistry

        /// Whether a read of the registry can still say something about it.
        var isOfRegistry: Bool { self != .removedRegistry }
    }

    package internal(set) var cause: Cause
    /// Monotonic.
    package let since: Duration
    /// How many instances the registry had before.
    package let total: Int
    /// How many of them were gone when the hold began.
    package let lost: Int
    /// How long in all the reads of the healthy registry, one after the other, have agreed.
    private var agreed = Duration.zero
    /// The value of `agreed` when an endpoint last returned. The wait for the end of the recovery counts from there.
    private var recovered = Duration.zero
    /// The time of the last read that agreed; `nil` after an interruption.
    private var lastRead: Duration?

    init(cause: Cause, since: Duration, lost: Int, of total: Int) {
        self.cause = cause
        self.since = since
        self.lost = lost
        self.total = total
    }
}

extension Hold {
    /// Whether only the registry's recovery or an operator releases it.
    package func needsOperator(held: Int) -> Bool {
        cause != .netLoss || held * 100 > total * GuardPolicy.operatorPercent
    }

    /// How long the reads still have to agree before an endpoint is released that is held since `time`; `nil` where
    /// only a recovery or an operator releases it.
    func remaining(_ policy: GuardPolicy, held: Loss, since time: Duration) -> Duration? {
        needsOperator(held: held.instances)
            ? nil : max(required(policy, held: held) - (agreed - max(time, recovered)), .zero)
    }

    /// The time between two reads during the hold.
    package static func readInterval(_ policy: GuardPolicy) -> Duration {
        max(policy.holdFor / 10, .seconds(1))
    }

    /// The rest that a recovery leaves is not suspicious any more. It only waits for the last instances to return.
    private func required(_ policy: GuardPolicy, held: Loss) -> Duration {
        policy.isSuspicious(held, of: total) ? policy.holdFor : min(policy.holdFor, policy.window)
    }

    /// The hold's own clock: the time for which reads have agreed. It stands still while the registry is not read.
    func time(at now: Duration) -> Duration {
        agreed + (lastRead.map { now - $0 } ?? .zero)
    }

    /// A full read found none of the held endpoints.
    mutating func agree(now: Duration) {
        agreed = time(at: now)
        lastRead = now
    }

    /// A held endpoint returned. The registry has failed, and the wait for the end of its recovery starts anew.
    mutating func recovers(now: Duration) {
        recovered = time(at: now)
    }

    mutating func interrupted() {
        lastRead = nil
    }
}
