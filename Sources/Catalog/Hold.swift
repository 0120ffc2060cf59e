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
    /// For how long the registry, healthy all the while, has said the same in one read after another.
    private var agreed = Duration.zero
    /// When a read last said the same; `nil` when something has been in between.
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

    /// How long the reads have to agree from now on before it is released; `nil` where only recovery or an operator does.
    package func remaining(_ policy: GuardPolicy, held: Int) -> Duration? {
        needsOperator(held: held) ? nil : max(required(policy, held: held) - agreed, .zero)
    }

    /// The pause between two reads during the hold.
    package static func readInterval(_ policy: GuardPolicy) -> Duration {
        max(policy.holdFor / 10, .seconds(1))
    }

    /// What is left after a recovery is no longer suspicious, and only waits for the stragglers.
    private func required(_ policy: GuardPolicy, held: Int) -> Duration {
        policy.isSuspicious(loss: held, of: total) ? policy.holdFor : min(policy.holdFor, policy.window)
    }

    /// A full read found nothing of it.
    /// - Returns: Whether it is over.
    mutating func agree(_ policy: GuardPolicy, held: Int, now: Duration) -> Bool {
        if let lastRead { agreed += now - lastRead }
        lastRead = now
        return remaining(policy, held: held) == .zero
    }

    /// Something of it came back: it was a failure, and its end has to be waited for anew.
    mutating func recovers() {
        agreed = .zero
        lastRead = nil
    }

    mutating func interrupted() {
        lastRead = nil
    }
}
