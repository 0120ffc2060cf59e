internal import Concurrency

/// The names whose last read told nothing that can be shown, and when each of them is worth another read.
struct NameConditions: Sendable {
    enum Cause: Hashable, Sendable {
        /// The read failed for a reason that may pass.
        case failed
        /// The registry does not permit the read.
        case refused
        /// The answer can't be taken, for example because it is too long.
        case unlistable
        /// The name was read, and none of its registrations can be used.
        case unusable
    }

    private struct Condition {
        var cause: Cause
        /// In a row, for the same cause.
        var failures: Int
        /// An event makes the name worth a read, but not before this time.
        var earliest: Duration
        var retry: Duration?
        var isAwaited = false
    }

    private let pauses: FollowerPauses
    private var conditions: [String: Condition] = [:]
    /// Not later than the first retry.
    private(set) var deadline: Duration?

    init(pauses: FollowerPauses) {
        self.pauses = pauses
    }

    var count: Int { conditions.count }

    /// Notes a read.
    /// - Parameter earlier: The conditions in which the name was read before.
    /// - Returns: How often in a row the name was read with the same outcome.
    mutating func note(_ name: String, _ cause: Cause, after earlier: NameConditions? = nil, now: Duration) -> Int {
        let last = conditions[name] ?? earlier?.conditions[name]
        let failures = last?.cause == cause ? (last?.failures ?? 0) + 1 : 1
        let growing = pauses.name.limit(afterFailures: failures - 1)
        let pause: (retry: Duration?, event: Duration) =
            switch cause {
            case .failed: (growing, growing)
            case .refused: (pauses.refusal, min(growing, pauses.refusal))
            case .unlistable: (nil, growing)
            // A list with nothing usable is short, as a rule.
            case .unusable: (nil, pauses.gathering)
            }
        conditions[name] = Condition(
            cause: cause, failures: failures, earliest: now + pause.event, retry: pause.retry.map { now + $0 })
        if let retry = conditions[name]?.retry { schedule(retry) }
        return failures
    }

    mutating func clear(_ name: String) {
        conditions[name] = nil
    }

    /// An event tells of a change in the name. A list that was too long may have become short enough when a
    /// registration left. A name with nothing usable has something now, or is empty.
    mutating func changed(_ name: String, isRemoval: Bool, now: Duration) {
        guard let condition = conditions[name], condition.cause == .unusable || isRemoval else { return }
        let time = max(now, condition.earliest)
        conditions[name]?.isAwaited = true
        if condition.retry.map({ time < $0 }) ?? true { conditions[name]?.retry = time }
        schedule(time)
    }

    private mutating func schedule(_ time: Duration) {
        deadline = min(deadline ?? time, time)
    }

    /// The names that are due, sorted.
    /// - Returns: `afterChange` are those that an event made worth a read.
    mutating func takeDue(now: Duration) -> (afterChange: [String], others: [String]) {
        guard let deadline, deadline <= now else { return ([], []) }
        self.deadline = nil
        var due: (afterChange: [String], others: [String]) = ([], [])
        for (name, condition) in conditions {
            guard let retry = condition.retry else { continue }
            if retry > now {
                schedule(retry)
                continue
            }
            conditions[name]?.retry = nil
            conditions[name]?.isAwaited = false
            if condition.isAwaited { due.afterChange.append(name) } else { due.others.append(name) }
        }
        due.afterChange.sort()
        due.others.sort()
        return due
    }
}
