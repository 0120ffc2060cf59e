/// Whether this replica may write.
package protocol Leadership: Sendable {
    /// Asked right before each write. It is `false` as soon as another replica may have begun to write.
    var isLeading: Bool { get }
}

/// How replicas share a delivery.
package enum LeadershipState: Sendable, Hashable {
    /// Nobody is elected: this replica writes.
    case notElected
    case leading
    /// Another replica writes, or none; its name where that is known.
    case standby(holder: String?)
}

/// The times of an election.
package struct LeadershipTimes: Sendable, Hashable {
    /// How long the others wait for a leader that is gone.
    package var leaseDuration: Duration
    /// How long a leader that can't renew its lease goes on.
    package var renewDeadline: Duration
    /// The delay between attempts.
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

/// Whether a replica can do the work of a leader.
package enum ReplicaFitness: Sendable, Hashable {
    /// It follows its registries.
    case fit
    /// Its fitness has changed lately.
    case doubtful
    /// It does not follow its registries; a replica that does should lead.
    case unfit
}
