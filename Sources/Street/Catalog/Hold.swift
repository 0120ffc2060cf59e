/// Losses of a registry that are not believed yet.
package struct Hold: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// More was lost within the window than gained.
        case netLoss
        /// A full read answered, completely, that there is nothing at all.
        case emptyAnswer
        /// The registry is no longer configured.
        case removedRegistry

        /// Whether the registry itself can still say something of it.
        var isOfRegistry: Bool { self != .removedRegistry }
    }

    package internal(set) var cause: Cause
    /// Monotonic.
    package let since: Duration
    /// How many instances the registry had before.
    package let total: Int
    /// How many of them were gone, net of those that came, when it began.
    package let lost: Int
    /// How many of those had been let go before so much was gone that it looked like a failure.
    let believed: Int
    /// For how long in all the registry, healthy, has said the same in one read after another.
    private var agreed = Duration.zero
    /// What `agreed` was when something of it came back last: from there on the end of a recovery is waited for.
    private var recovered = Duration.zero
    /// When a read last said the same; `nil` when something has been in between.
    private var lastRead: Duration?

    init(cause: Cause, since: Duration, lost: Int, held: Int, of total: Int) {
        self.cause = cause
        self.since = since
        self.lost = lost
        believed = max(lost - held, 0)
        self.total = total
    }
}

extension Hold {
    /// Whether only the registry's recovery or an operator releases it.
    package func needsOperator(held: Int) -> Bool {
        cause != .netLoss || (held + believed) * 100 > total * GuardPolicy.operatorPercent
    }

    /// How long the reads have to agree from now on before what is held since `time` is released; `nil` where only recovery or an
    /// operator does.
    func remaining(_ policy: GuardPolicy, held: Int, since time: Duration) -> Duration? {
        needsOperator(held: held)
            ? nil : max(required(policy, held: held) - (agreed - max(time, recovered)), .zero)
    }

    /// The pause between two reads during the hold.
    package static func readInterval(_ policy: GuardPolicy) -> Duration {
        max(policy.holdFor / 10, .seconds(1))
    }

    /// What is left after a recovery is no longer suspicious, and only waits for the stragglers.
    private func required(_ policy: GuardPolicy, held: Int) -> Duration {
        policy.isSuspicious(loss: held + believed, of: total) ? policy.holdFor : min(policy.holdFor, policy.window)
    }

    /// The time from which on reads have to agree on what is missing now. It stands still while nobody reads.
    func time(at now: Duration) -> Duration {
        agreed + (lastRead.map { now - $0 } ?? .zero)
    }

    /// A full read found nothing of it.
    mutating func agree(now: Duration) {
        agreed = time(at: now)
        lastRead = now
    }

    /// Something of it came back: it was a failure, and its end has to be waited for anew.
    mutating func recovers(now: Duration) {
        recovered = time(at: now)
    }

    mutating func interrupted() {
        lastRead = nil
    }
}
