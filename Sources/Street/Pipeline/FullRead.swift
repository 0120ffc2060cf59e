/// The full reads of one registry. While losses of the registry are held it is read again and again, since a hold ends
/// by reads that agree.
enum FullRead: Sendable {
    case none
    /// A full read is under way since this time; monotonic.
    case underWay(since: Duration)
    /// The registry is to be read again at this time; monotonic.
    case due(at: Duration)

    /// A full read begins. Another one need not be asked for.
    mutating func begin(now: Duration) {
        self = .underWay(since: now)
    }

    /// The full read is complete or has broken off.
    /// - Parameter interval: How long the registry is left alone at least; `nil` where nothing is held.
    ///   A read that takes long is repeated the less often.
    mutating func end(interval: Duration?, now: Duration) {
        guard case .underWay(let since) = self else { return }
        self = interval.map { .due(at: now + max($0, (now - since) * 10)) } ?? .none
    }

    /// When the registry is to be read again; monotonic.
    var dueTime: Duration? {
        if case .due(let time) = self { time } else { nil }
    }

    /// - Returns: Whether the registry is to be read again now.
    mutating func wake(now: Duration) -> Bool {
        guard case .due(let time) = self, time <= now else { return false }
        self = .none
        return true
    }
}
