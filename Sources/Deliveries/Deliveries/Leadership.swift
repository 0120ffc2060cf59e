/// Whether this replica may write.
package protocol Leadership: Sendable {
    /// Asked right before each write. It is `false` as soon as another replica may have begun to write.
    var isLeading: Bool { get }
}

/// How replicas share a delivery, as people are told of it.
package enum LeadershipState: Sendable, Hashable {
    /// Nobody is elected: this replica writes.
    case notElected
    case leading
    /// Another replica writes, or none; its name where that is known.
    case standby(holder: String?)
}

/// The times of an election.
package struct LeadershipTimes: Sendable, Hashable {
    /// How long a leader that is gone keeps others waiting.
    package var leaseDuration: Duration
    /// How long a leader goes on that can't renew its lease.
    package var renewDeadline: Duration
    /// The pause between attempts.
    package var retryPeriod: Duration

    package init(
        leaseDuration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10),
        retryPeriod: Duration = .seconds(2)
    ) {
        self.leaseDuration = leaseDuration
        self.renewDeadline = renewDeadline
        self.retryPeriod = retryPeriod
    }
}

/// Whether a replica can do what a leader is there for.
package enum ReplicaFitness: Sendable, Hashable {
    /// It follows its registries.
    case fit
    /// It was so or otherwise until a moment ago.
    case doubtful
    /// It does not follow its registries; a replica that does should lead.
    case unfit
}
