internal import FoundationEssentials

extension LeaderElection {
    /// Which lease to stand for, as whom, and at what pace.
    ///
    /// The times are those of client-go, and so are the rules: `leaseDuration` > `renewDeadline` > 1.2 × `retryPeriod`.
    /// All candidates should have the same; each respects the duration that the present holder has written.
    public struct Configuration: Sendable, Hashable {
        /// The name of the lease, which is made when there is none.
        public var name: String
        /// The namespace of the lease, which must be there.
        public var namespace: String
        /// Who this candidate is. No other candidate may have the same, not even an earlier process of this pod:
        /// whoever finds itself in the lease takes it to be its own.
        public var identity: String
        /// How long others wait, after the last change that they saw in the lease, before they take it; whole seconds.
        public var leaseDuration = Duration.seconds(15)
        /// How long the holder leads after it sent its last successful renewal.
        public var renewDeadline = Duration.seconds(10)
        /// The time between two renewals. Candidates look at the lease after 1 to 2.2 times as long, at random.
        public var retryPeriod = Duration.seconds(2)

        public init(name: String, namespace: String, identity: String = Self.uniqueIdentity()) {
            self.name = name
            self.namespace = namespace
            self.identity = identity
        }

        /// The host's name, which in a pod is the pod's, `_` and a UUID.
        public static func uniqueIdentity() -> String {
            "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString.lowercased())"
        }
    }
}

extension LeaderElection {
    /// Whether a candidate can do what the leader is there for.
    public enum Fitness: Sendable, Hashable {
        /// It asks a holder that is unfit for the lease.
        case fit
        /// It can't be said yet; it goes on as it would without any of this.
        case doubtful
        /// It leads where nobody else will, and leaves off for one that is fit.
        case unfit
    }
}

extension LeaderElection.Configuration {
    /// How much longer than the retry period a candidate waits at most, as a part of it.
    static let jitterFactor = 1.2

    /// - Throws: `KubernetesError` with `configuration`.
    func validate() throws(KubernetesError) {
        if let problem {
            throw KubernetesError(code: .configuration, message: "leader election '\(namespace)/\(name)': \(problem)")
        }
    }

    private var problem: String? {
        if name.isEmpty || namespace.isEmpty { return "the lease needs a name and a namespace" }
        if identity.isEmpty { return "the identity is empty, which in a lease means that it is free" }
        if leaseDuration.components.attoseconds != 0 || !(.seconds(1)...(.seconds(Int32.max))).contains(leaseDuration) {
            return "leaseDuration is \(leaseDuration), and a lease holds whole seconds, at least 1"
        }
        if leaseDuration <= renewDeadline {
            return "leaseDuration (\(leaseDuration)) must be greater than renewDeadline (\(renewDeadline))"
        }
        if retryPeriod <= .zero { return "retryPeriod (\(retryPeriod)) must be greater than zero" }
        if renewDeadline <= retryPeriod * Self.jitterFactor {
            return "renewDeadline (\(renewDeadline)) must be greater than \(Self.jitterFactor) times retryPeriod "
                + "(\(retryPeriod))"
        }
        return nil
    }
}
