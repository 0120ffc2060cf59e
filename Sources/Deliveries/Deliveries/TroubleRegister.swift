internal import IstioAPI

/// Which resources are in trouble, why and since when, and what was said of it. A pure state machine, bounded by their number.
struct TroubleRegister: Sendable {
    private struct Record {
        /// `nil` as long as it was only outdated.
        var kind: Trouble.Kind?
        var reason = ""
        var since: Duration
        /// Failures in a row.
        var count = 0
        var reported: Receipt.Outcome?
        /// Since when somebody else leaves it as it should be, after a fight over it.
        var calmSince: Duration?
    }

    /// Longer than the longest pause between two repairs, so that a fight that goes on is still known.
    private static let calmTime = Duration.seconds(900)

    private var records: [ResourceKey: Record] = [:]

    /// How often it failed in a row.
    func failures(of key: ResourceKey) -> Int { records[key]?.count ?? 0 }

    /// - Parameter kind: `nil` for what was outdated, which happens in the course of other failures, too.
    /// - Returns: How often it had failed in a row before.
    mutating func failed(_ key: ResourceKey, _ kind: Trouble.Kind?, _ reason: String, now: Duration) -> Int {
        var record = records[key] ?? Record(since: now)
        if record.kind == nil { record.since = now }
        if let kind {
            // Whoever was refused for hours and is mended must not wait for minutes because of one lost connection.
            if let previous = record.kind, previous != kind {
                record.count = 0
                record.since = now
            }
            record.kind = kind
            record.reason = reason
            record.calmSince = nil
        }
        let count = record.count
        // The pauses of a fight are not for us to make.
        record.count = kind == .contested ? 0 : count + 1
        records[key] = record
        return count
    }

    /// Whether a trouble is not what was last reported of the resource. Refusals and fights differ by their reasons; the reasons of
    /// failures, which tell of connections and their like, would differ all the time.
    mutating func isNews(_ key: ResourceKey, _ outcome: Receipt.Outcome) -> Bool {
        var outcome = outcome
        switch outcome {
        case .created, .updated, .deleted: return false
        case .failed: outcome = .failed(reason: "")
        case .refused, .contested: break
        }
        guard records[key] != nil, records[key]?.reported != outcome else { return false }
        records[key]?.reported = outcome
        return true
    }

    /// It is as it should be.
    mutating func settled(_ key: ResourceKey, now: Duration) {
        guard let record = records[key] else { return }
        if record.kind == .contested {
            if record.calmSince == nil { records[key]?.calmSince = now }
            records[key]?.count = 0
            forgetCalm(now: now)
        } else {
            records[key] = nil
        }
    }

    /// Nobody here cares any more.
    mutating func forget(_ key: ResourceKey) {
        records[key] = nil
    }

    private mutating func forgetCalm(now: Duration) {
        let isOver = { (record: Record) in record.calmSince.map { now - $0 > Self.calmTime } ?? false }
        if records.values.contains(where: isOver) { records = records.filter { !isOver($0.value) } }
    }

    /// The oldest first.
    func troubles(now: Duration, retryAt: (ResourceKey) -> Duration?) -> [Trouble] {
        records.compactMap { key, record -> Trouble? in
            guard let kind = record.kind, record.calmSince == nil else { return nil }
            return Trouble(
                key: key, kind: kind, reason: record.reason, age: now - record.since,
                retryIn: retryAt(key).map { max($0 - now, .zero) })
        }.sorted { ($1.age, $0.key) < ($0.age, $1.key) }
    }
}
