internal import FoundationEssentials
internal import Text

extension LeaderElection {
    /// The lease, the candidate's identity, and the times of an election.
    ///
    /// The times have client-go's defaults and client-go's rules: `leaseDuration` > `renewDeadline` > 1.2 ×
    /// `retryPeriod`. All candidates should use the same times. Each respects the duration that the present holder has
    /// written.
    public struct Configuration: Sendable, Hashable {
        /// The name of the lease. The election creates it when it does not exist.
        public var name: String
        /// The namespace of the lease. It must exist.
        public var namespace: String
        /// The candidate's name in the lease. No other candidate may use it, not even an earlier process of this pod: a
        /// candidate that finds its identity in the lease takes the lease to be its own.
        public var identity: String
        /// How long other candidates wait after the last change that they saw in the lease before they take it. Whole
        /// seconds, at least 1.
        public var leaseDuration = Duration.seconds(15)
        /// How long the holder leads after it sent its last successful renewal.
        public var renewDeadline = Duration.seconds(10)
        /// The time between two renewals. A candidate reads the lease at random intervals of 1 to 2.2 times this long.
        public var retryPeriod = Duration.seconds(2)
        /// The names of the annotations of a handover by agreement; `nil` for none.
        var handover: LeaderElection.HandoverAnnotations?

        public init(name: String, namespace: String, identity: String = Self.uniqueIdentity()) {
            self.name = name
            self.namespace = namespace
            self.identity = identity
        }

        /// Makes an identity: the host's name, which in a pod is the pod's name, then `_` and a UUID.
        public static func uniqueIdentity() -> String {
            "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString.lowercased())"
        }
    }
}

extension LeaderElection.Configuration {
    /// The largest random addition to the retry period, as a fraction of it.
    static let jitterFactor = 1.2

    /// - Throws: `KubernetesError` with `configuration`.
    func validate() throws(KubernetesError) {
        if let problem {
            throw KubernetesError(code: .configuration, message: "leader election '\(namespace)/\(name)': \(problem)")
        }
    }

    private var problem: String? {
        if name.isEmpty || namespace.isEmpty { return "the lease needs a name and a namespace" }
        if identity.isEmpty { return "the identity is empty, and an empty identity marks a free lease" }
        if leaseDuration.components.attoseconds != 0 || !(.seconds(1)...(.seconds(Int32.max))).contains(leaseDuration) {
            return "leaseDuration (\(leaseDuration.readable)) must be whole seconds, at least 1"
        }
        if leaseDuration <= renewDeadline {
            return
                "leaseDuration (\(leaseDuration.readable)) must be greater than renewDeadline (\(renewDeadline.readable))"
        }
        if retryPeriod <= .zero { return "retryPeriod (\(retryPeriod.readable)) must be greater than zero" }
        if renewDeadline <= retryPeriod * Self.jitterFactor {
            return
                "renewDeadline (\(renewDeadline.readable)) must be greater than \(Self.jitterFactor) times retryPeriod "
                + "(\(retryPeriod.readable))"
        }
        if let handover, handover.offer.isEmpty || handover.claim.isEmpty || handover.offer == handover.claim {
            return "the two annotations of the handover need names that differ"
        }
        return nil
    }
}
