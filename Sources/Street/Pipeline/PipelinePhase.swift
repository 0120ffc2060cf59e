internal import Snapshot

/// How far the pipeline has come.
enum PipelinePhase: Sendable {
    /// Some deliveries have not told yet what they hold. Nothing is decided.
    case awaitingSeeds(AwaitedSeeds)
    /// Services are delivered. The late deliveries have not told yet what they hold, and nobody waits for them.
    case begun(late: Set<String>)
    /// Services are delivered, and the registries are not heard any more.
    case concluded

    struct AwaitedSeeds: Sendable {
        /// The deliveries that have not told yet what they hold.
        var deliveries: Set<String>
        /// When the others go on without these; monotonic. `nil` until the first delivery has told.
        var deadline: Duration?
        var memory: Memory?
    }

    /// The records of an earlier run's snapshot.
    struct Memory: Sendable {
        var records: [SnapshotRecord]
        /// When they were recalled; monotonic.
        var time: Duration
    }

    /// The deliveries that have not told yet what they hold.
    var unseeded: Set<String> {
        switch self {
        case .awaitingSeeds(let awaited): awaited.deliveries
        case .begun(let late): late
        case .concluded: []
        }
    }

    var hasBegun: Bool {
        if case .awaitingSeeds = self { false } else { true }
    }
}
