internal import IstioAPI

/// The resources that fail, why and since when, and what was reported of each. A pure state machine, bounded by their
/// number.
struct FailureRegister: Sendable {
    private struct Record {
        /// `nil` as long as it was only outdated.
        var kind: ResourceFailure.Kind?
        var reason = ""
        var since: Duration
        /// Failures in a row.
        var count = 0
        var reported: Receipt.Outcome?
        /// Since when the other writer of a field conflict leaves the resource as it should be.
        var calmSince: Duration?

        var isFailing: Bool { kind != nil && calmSince == nil }
    }

    /// Longer than the longest delay between two repairs, so that a field conflict that goes on is still known.
    private static let calmTime = Duration.seconds(900)

    private var records: [ResourceKey: Record] = [:]

    /// How often the resource failed in a row.
    func failures(of key: ResourceKey) -> Int { records[key]?.count ?? 0 }

    /// - Parameter kind: `nil` for what was outdated, which happens in the course of other failures, too.
    /// - Returns: How often it had failed in a row before.
    mutating func failed(_ key: ResourceKey, _ kind: ResourceFailure.Kind?, _ reason: String, now: Duration) -> Int {
        var record = records[key] ?? Record(since: now)
        if record.kind == nil { record.since = now }
        if let kind {
            // A resource that was refused for hours and is mended must not wait for minutes because of one lost
            // connection.
            if let previous = record.kind, previous != kind {
                record.count = 0
                record.since = now
            }
            record.kind = kind
            record.reason = reason
            record.calmSince = nil
        }
        let count = record.count
        // `FieldConflicts` measures the delays of a field conflict.
        record.count = kind == .fieldConflict ? 0 : count + 1
        records[key] = record
        return count
    }

    /// Whether a failure is not what was last reported of the resource. Refusals and field conflicts differ by their
    /// reasons. The reasons of failed writes tell of connections, and would differ all the time.
    mutating func isNews(_ key: ResourceKey, _ outcome: Receipt.Outcome) -> Bool {
        var outcome = outcome
        switch outcome {
        case .created, .updated, .deleted: return false
        case .failed: outcome = .failed(reason: "")
        case .refused, .fieldConflict: break
        }
        guard records[key] != nil, records[key]?.reported != outcome else { return false }
        records[key]?.reported = outcome
        return true
    }

    /// The resource is as it should be.
    mutating func settled(_ key: ResourceKey, now: Duration) {
        guard let record = records[key] else { return }
        if record.kind == .fieldConflict {
            if record.calmSince == nil { records[key]?.calmSince = now }
            records[key]?.count = 0
            forgetCalm(now: now)
        } else {
            records[key] = nil
        }
    }

    /// Another replica sees to the resource.
    mutating func forget(_ key: ResourceKey) {
        records[key] = nil
    }

    private mutating func forgetCalm(now: Duration) {
        let isOver = { (record: Record) in record.calmSince.map { now - $0 > Self.calmTime } ?? false }
        if records.values.contains(where: isOver) { records = records.filter { !isOver($0.value) } }
    }

    var count: Int { records.values.count { $0.isFailing } }

    /// The oldest first.
    func failures(now: Duration, retryAt: (ResourceKey) -> Duration?) -> [ResourceFailure] {
        records.compactMap { key, record -> ResourceFailure? in
            guard let kind = record.kind, record.isFailing else { return nil }
            return ResourceFailure(
                key: key, kind: kind, reason: record.reason, age: now - record.since,
                retryIn: retryAt(key).map { max($0 - now, .zero) })
        }.sorted { ($1.age, $0.key) < ($0.age, $1.key) }
    }
}
