extension LeaderElection {
    /// The agreement by which a leader that cannot do its work hands the lease over to a candidate that can.
    ///
    /// A holder that is ``Fitness/unfit`` goes on leading and offers the lease in an annotation. A candidate that is
    /// ``Fitness/fit`` claims the lease in another annotation. The holder then stops leading and lets the lease run
    /// out, and the claimant takes it. If the claimant does not take it within three retry periods after that, the
    /// former holder does. Of a lease that is free or has run out, an unfit candidate is the last to take it.
    ///
    /// When the lease changes hands is the caller's decision, by ``Fitness``. The names of the annotations are the
    /// caller's, too: all candidates for one lease must use the same. Candidates of other implementations see only a
    /// holder that no longer renews. Without an agreement, the election reads and writes no annotations.
    public struct Handover: Sendable {
        let annotations: HandoverAnnotations
        let fitness: @Sendable () -> Fitness

        /// - Parameters:
        ///   - offerAnnotation: the annotation by which an unfit holder offers the lease, such as
        ///     `example.com/holder-unfit`. Its value is `true`.
        ///   - claimAnnotation: the annotation by which a fit candidate claims it, such as `example.com/fit-candidate`.
        ///     Its value is the candidate's identity.
        ///   - fitness: says how fit this candidate is. It is called before each step, some times in each retry period,
        ///     and must not block.
        public init(offerAnnotation: String, claimAnnotation: String, fitness: @escaping @Sendable () -> Fitness) {
            annotations = HandoverAnnotations(offer: offerAnnotation, claim: claimAnnotation)
            self.fitness = fitness
        }
    }

    /// The names of a handover's annotations.
    struct HandoverAnnotations: Sendable, Hashable {
        var offer: String
        var claim: String
    }

    /// Whether a candidate can do the leader's work. A later version may add values.
    public struct Fitness: Sendable, Hashable {
        private enum Value { case fit, doubtful, unfit }

        private let value: Value

        /// The candidate claims the lease from a holder that is unfit.
        public static let fit = Self(value: .fit)
        /// It is not known yet. The candidate neither offers nor claims the lease.
        public static let doubtful = Self(value: .doubtful)
        /// The candidate leads only where no other does, and yields to a candidate that is fit.
        public static let unfit = Self(value: .unfit)
    }
}
