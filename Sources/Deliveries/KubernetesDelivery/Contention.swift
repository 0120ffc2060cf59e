internal import Deliveries
package import IstioAPI

/// Objects that somebody else keeps changing: how often each was put right, and when it may be again.
///
/// A pure state machine. The first repair is made at once; the time to the next one doubles from a second to five minutes, so that two
/// who want different things don't keep the API server and istiod busy. What the registry wants anew never waits.
package struct Contention: Sendable {
    private struct Fight {
        /// What was written last.
        var desired: Resource
        var repairs = 0
        var latest: Duration
        var notBefore: Duration
        var rival: String?
        /// Whether the object is changed in the course of our own writes.
        var isInFlight = false

        var pauseInSeconds: Double { min(0.5 * Double(1 << min(repairs, 12)), Contention.longestPause) }
        /// Whoever comes back as often as this still fights. It exceeds the pause, during which the other side has it as it likes.
        var quietTime: Duration { .seconds(120 + 2 * pauseInSeconds) }
    }

    package struct Pause: Sendable, Hashable {
        package var reason: String
        package var rest: Duration
    }

    private static let longestPause = 300.0

    private var fights: [ResourceKey: Fight] = [:]

    package init() {}

    package var count: Int { fights.count }

    /// Whether a write has to wait.
    /// - Parameters:
    ///   - fields: What it would put right; empty where somebody deleted the object.
    ///   - rival: Who made it differ, if known.
    package mutating func pause(
        before desired: Resource, fields: [String], rival: String?, now: Duration
    ) -> Pause? {
        let key = desired.key
        guard let fight = fights[key] else { return nil }
        if now - fight.latest > fight.quietTime {
            fights[key] = nil
            return nil
        }
        if let rival { fights[key]?.rival = rival }
        guard fight.desired == desired, now < fight.notBefore else { return nil }
        return Pause(reason: reason(key, fields), rest: fight.notBefore - now)
    }

    /// A write was made.
    /// - Parameters:
    ///   - isDrift: Whether the object had been like this already, and somebody changed it.
    ///   - alteredFields: What the server stored otherwise than it was told.
    /// - Returns: When to put right what was altered.
    package mutating func wrote(
        _ desired: Resource, isDrift: Bool, alteredFields: [String], rival: String? = nil, now: Duration,
        jitter: Double = .random(in: 0.5...1)
    ) -> Pause? {
        let key = desired.key
        guard isDrift || !alteredFields.isEmpty || fights[key] != nil else { return nil }
        var fight = fights[key] ?? Fight(desired: desired, latest: now, notBefore: now)
        // What the registry wants anew is no repair.
        if isDrift || fight.desired == desired { fight.repairs += 1 }
        fight.desired = desired
        fight.latest = now
        fight.isInFlight = !alteredFields.isEmpty
        if let rival { fight.rival = rival }
        fight.notBefore = now + .seconds(fight.pauseInSeconds * jitter)
        fights[key] = fight
        if alteredFields.isEmpty { return nil }
        return Pause(reason: reason(key, alteredFields), rest: fight.notBefore - now)
    }

    /// Forgets what has been quiet for long enough.
    package mutating func forgetQuiet(now: Duration) {
        fights = fights.filter { now - $0.value.latest <= $0.value.quietTime }
    }

    private func reason(_ key: ResourceKey, _ fields: [String]) -> String {
        guard let fight = fights[key] else { return "" }
        let deeds =
            if fight.isInFlight {
                "\(fields.joined(separator: ", ")) is stored otherwise than it was written, as by an admission webhook"
            } else {
                (fight.rival.map { "'\($0)'" } ?? "somebody else") + " keeps "
                    + (fields.isEmpty ? "deleting it" : "changing \(fields.joined(separator: ", "))")
            }
        let pause = Duration.seconds(fight.pauseInSeconds).formatted
        return "\(deeds); it is put right every \(pause) at most"
    }
}

extension Duration {
    fileprivate var formatted: String {
        components.seconds < 60 ? "\(components.seconds) s" : "\(components.seconds / 60) min"
    }
}
