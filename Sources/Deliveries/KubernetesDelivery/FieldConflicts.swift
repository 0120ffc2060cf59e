internal import Deliveries
package import IstioAPI

/// Field conflicts: objects that another writer keeps changing, how often each was put right, and when it may be put
/// right again.
///
/// A pure state machine. The first repair is made at once. The time to the next repair doubles from a second to five
/// minutes, so that two writers that want different things don't keep the API server and istiod busy. A change that the
/// registry wants never waits.
package struct FieldConflicts: Sendable {
    private struct Conflict {
        /// What was written last.
        var desired: Resource
        var repairs = 0
        var latest: Duration
        var notBefore: Duration
        /// The other writer, by its field manager, where that is known.
        var writer: String?
        /// Whether the object is changed in the course of our own writes.
        var isInFlight = false

        var delayInSeconds: Double { min(0.5 * Double(1 << min(repairs, 12)), FieldConflicts.longestDelay) }
        /// The conflict is over when the other writer is quiet for so long. It exceeds the delay, during which the
        /// other writer has its way.
        var quietTime: Duration { .seconds(120 + 2 * delayInSeconds) }
    }

    /// A write has to wait.
    package struct Delay: Sendable, Hashable {
        package var reason: String
        package var duration: Duration
    }

    private static let longestDelay = 300.0

    private var conflicts: [ResourceKey: Conflict] = [:]

    package init() {}

    package var count: Int { conflicts.count }

    /// Whether a write has to wait.
    /// - Parameters:
    ///   - fields: What the write would put right; empty where somebody deleted the object.
    ///   - writer: The field manager that made the object differ, if known.
    package mutating func delay(
        before desired: Resource, fields: [String], writer: String?, now: Duration
    ) -> Delay? {
        let key = desired.key
        guard let conflict = conflicts[key] else { return nil }
        if now - conflict.latest > conflict.quietTime {
            conflicts[key] = nil
            return nil
        }
        if let writer { conflicts[key]?.writer = writer }
        guard conflict.desired == desired, now < conflict.notBefore else { return nil }
        return Delay(reason: reason(key, fields), duration: conflict.notBefore - now)
    }

    /// A write was made.
    /// - Parameters:
    ///   - isDrift: Whether the object had been like this already, and another writer changed it.
    ///   - alteredFields: The fields that the server stored otherwise than they were written.
    /// - Returns: When to put right what was altered.
    package mutating func wrote(
        _ desired: Resource, isDrift: Bool, alteredFields: [String], writer: String? = nil, now: Duration,
        jitter: Double = .random(in: 0.5...1)
    ) -> Delay? {
        let key = desired.key
        guard isDrift || !alteredFields.isEmpty || conflicts[key] != nil else { return nil }
        var conflict = conflicts[key] ?? Conflict(desired: desired, latest: now, notBefore: now)
        // A change that the registry wants is no repair.
        if isDrift || conflict.desired == desired { conflict.repairs += 1 }
        conflict.desired = desired
        conflict.latest = now
        conflict.isInFlight = !alteredFields.isEmpty
        if let writer { conflict.writer = writer }
        conflict.notBefore = now + .seconds(conflict.delayInSeconds * jitter)
        conflicts[key] = conflict
        if alteredFields.isEmpty { return nil }
        return Delay(reason: reason(key, alteredFields), duration: conflict.notBefore - now)
    }

    /// Forgets the conflicts that are over.
    package mutating func forgetQuiet(now: Duration) {
        conflicts = conflicts.filter { now - $0.value.latest <= $0.value.quietTime }
    }

    private func reason(_ key: ResourceKey, _ fields: [String]) -> String {
        guard let conflict = conflicts[key] else { return "" }
        let observed =
            if conflict.isInFlight {
                "\(fields.joined(separator: ", ")) is stored otherwise than it was written, as by an admission webhook"
            } else {
                (conflict.writer.map { "'\($0)'" } ?? "somebody else") + " keeps "
                    + (fields.isEmpty ? "deleting it" : "changing \(fields.joined(separator: ", "))")
            }
        let delay = Duration.seconds(conflict.delayInSeconds).formatted
        return "\(observed); it is put right every \(delay) at most"
    }
}

extension Duration {
    fileprivate var formatted: String {
        components.seconds < 60 ? "\(components.seconds) s" : "\(components.seconds / 60) min"
    }
}
