/// Reads the documents of one configuration centre, and tells when they change. `ConfigurationFollower` calls it.
package protocol ConfigurationReader: Sendable {
    /// Keeps a connection until the task is cancelled, and reports what happens.
    func run(report: @escaping @Sendable (ConfigurationChange) -> Void) async

    /// The names of all documents. Where nobody can say which there are, that is a failure, and no empty list. From a
    /// list on, changes of what it says are reported.
    func list() async throws(ReadFailure) -> Set<String>

    /// The text of a document; `nil` where the centre says that there is none. From a read on, changes of the document
    /// are reported, for as long as the connection stands.
    func read(_ name: String) async throws(ReadFailure) -> String?
}

/// What a configuration reader reports between reads.
package enum ConfigurationChange: Sendable, Hashable {
    /// The centre can be read. Changes since the last connection may have been missed.
    case connected
    /// The centre can't be read. The reader goes on trying, and reports `connected`.
    case disconnected(reason: String)
    /// A document came, changed or went.
    case changed(name: String)
    /// Any document may have changed.
    case outdated
}

/// What has to be read of a configuration centre. A pure state machine; its owner reads, and tells of the end.
struct DocumentFollowing: Sendable {
    enum Step: Sendable, Hashable {
        /// Nothing is to do until a change, or until this time; monotonic.
        case wait(until: Duration?)
        /// Say that the centre can't be read.
        case tellInterruption(reason: String)
        case readEverything
        case read(name: String)
    }

    private enum Connection: Sendable, Hashable {
        case none(untold: String?)
        /// Everything is to be read at this time; monotonic.
        case stands(readAt: Duration)
    }

    private var connection = Connection.none(untold: nil)
    /// Counts the connections and the reasons to read everything, so that a read that one of them outdates is known.
    private(set) var generation = 0
    private var changed: Set<String> = []
    /// How often everything is read, whether or not something told of a change.
    private let interval: Duration

    init(interval: Duration) {
        self.interval = interval
    }

    mutating func take(_ change: ConfigurationChange) {
        switch change {
        case .connected, .outdated:
            if case .outdated = change, case .none = connection { return }
            generation += 1
            connection = .stands(readAt: .zero)
            changed = []
        case .disconnected(let reason):
            generation += 1
            connection = .none(untold: reason)
            changed = []
        case .changed(let name):
            if case .stands = connection { changed.insert(name) }
        }
    }

    mutating func next(now: Duration) -> Step {
        switch connection {
        case .none(let reason?):
            connection = .none(untold: nil)
            return .tellInterruption(reason: reason)
        case .none(nil):
            return .wait(until: nil)
        case .stands(let time):
            if time <= now {
                connection = .stands(readAt: now + interval)
                // A change from here on is read once more.
                changed = []
                return .readEverything
            }
            guard let name = changed.min() else { return .wait(until: time) }
            changed.remove(name)
            return .read(name: name)
        }
    }

    /// A read failed although the connection stands: everything is read again at this time.
    mutating func failed(retryAt time: Duration) {
        if case .stands = connection { connection = .stands(readAt: time) }
    }
}
