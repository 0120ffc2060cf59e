/// Removals of one registry that are not accepted yet.
package struct Hold: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// The removals of a window exceeded the additions by too much.
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
    /// How many of them were gone when the hold began, less the additions.
    package let lost: Int
    /// How many of the lost instances had been released before the loss looked like a failure.
    let released: Int
    /// How long in all the reads of the healthy registry, one after the other, have agreed.
    private var agreed = Duration.zero
    /// The value of `agreed` when an endpoint last returned. The wait for the end of the recovery counts from there.
    private var recovered = Duration.zero
    /// The time of the last read that agreed; `nil` after an interruption.
    private var lastRead: Duration?

    init(cause: Cause, since: Duration, lost: Int, held: Int, of total: Int) {
        self.cause = cause
        self.since = since
        self.lost = lost
        released = max(lost - held, 0)
        self.total = total
    }
}

extension Hold {
    /// Whether only the registry's recovery or an operator releases it.
    package func needsOperator(held: Int) -> Bool {
        cause != .netLoss || (held + released) * 100 > total * GuardPolicy.operatorPercent
    }

    /// How long the reads still have to agree before an endpoint is released that is held since `time`; `nil` where
    /// only a recovery or an operator releases it.
    func remaining(_ policy: GuardPolicy, held: Int, since time: Duration) -> Duration? {
        needsOperator(held: held)
            ? nil : max(required(policy, held: held) - (agreed - max(time, recovered)), .zero)
    }

    /// The time between two reads during the hold.
    package static func readInterval(_ policy: GuardPolicy) -> Duration {
        max(policy.holdFor / 10, .seconds(1))
    }

    /// The rest that a recovery leaves is not suspicious any more. It only waits for the last instances to return.
    private func required(_ policy: GuardPolicy, held: Int) -> Duration {
        policy.isSuspicious(loss: held + released, of: total) ? policy.holdFor : min(policy.holdFor, policy.window)
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
