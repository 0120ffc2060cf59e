/// The key of a service or of a configuration, as a fuzzy watch has it.
protocol FuzzyKey: Hashable, Sendable {
    init?(fuzzyKey text: String, namespace: String)
    func fuzzyKey(namespace: String) -> String
}

extension ServiceKey: FuzzyKey {}
extension ConfigKey: FuzzyKey {}

/// What a client knows of the names that match one pattern.
///
/// A server of 3.0 and later tells the names in batches, then their changes. It watches up to 500 names for one pattern
/// and drops the others without a word, so that a watch near that number is never complete. Every three minutes the
/// client sends what it knows, and the server tells the difference: names that came while the watch was full show so.
struct FuzzyWatch<Key: FuzzyKey> {
    enum State: Equatable {
        /// Not asked for on this connection. `retryAt` is `nil` until the connection stands.
        case waiting(retryAt: Duration?)
        case asked
        /// The server accepted the watch and tells the names. The end of the list may be lost.
        case listing(deadline: Duration)
        case following(nextComparison: Duration)
        /// The server said what it lacks, or that it can't watch.
        case unavailable(retryAt: Duration)
    }

    /// The default of the server's limit of names for one pattern.
    static var serverLimit: Int { 500 }
    static var comparisonInterval: Duration { .seconds(180) }
    /// The batches of a list come about a second after the request, its end half a second later.
    static var listingTimeout: Duration { .seconds(15) }

    let namespace: String
    /// Both may have `*` at their beginning, at their end, or be `*`.
    let patterns: (group: String, name: String)
    let limit: Int
    private(set) var state = State.waiting(retryAt: nil)
    private(set) var known: Set<Key> = []
    /// Whether the server said that more names match than it watches.
    private(set) var isOverLimit = false

    init(namespace: String, group: String, name: String, limit: Int) {
        self.namespace = namespace
        patterns = (group, name)
        self.limit = limit
    }

    var pattern: String { "\(namespace)>>\(patterns.group)>>\(patterns.name)" }

    /// Whether what is known is all.
    var isComplete: Bool { !isOverLimit && known.count < min(Self.serverLimit, limit) }

    var deadline: Duration? {
        switch state {
        case .waiting(let retryAt): retryAt
        case .asked: nil
        case .listing(let deadline): deadline
        case .following(let next): next
        case .unavailable(let retryAt): retryAt
        }
    }

    /// What to send: everything is asked for on a new connection, later the difference to what is known.
    struct Question: Equatable {
        var isInitial: Bool
        var known: [String]
    }
}

extension FuzzyWatch {
    mutating func connected() {
        state = .waiting(retryAt: .zero)
        known = []
        isOverLimit = false
    }

    mutating func disconnected() {
        state = .waiting(retryAt: nil)
    }

    enum Due {
        case nothing
        case ask(Question)
        /// The end of the list did not come in time.
        case incomplete
    }

    mutating func due(now: Duration) -> Due {
        guard let deadline, now >= deadline else { return .nothing }
        switch state {
        case .asked: return .nothing
        case .listing:
            isOverLimit = true
            state = .following(nextComparison: now + Self.comparisonInterval)
            return .incomplete
        case .waiting, .unavailable:
            state = .asked
            return .ask(Question(isInitial: true, known: []))
        case .following:
            // The answers are differences, and may be none at all. So nothing waits for them.
            state = .following(nextComparison: now + Self.comparisonInterval)
            return .ask(Question(isInitial: false, known: known.map { $0.fuzzyKey(namespace: namespace) }))
        }
    }

    /// The server answered the request.
    /// - Returns: Whether the watch can't say what exists.
    mutating func answered(_ error: NacosError?, now: Duration) -> Bool {
        switch (error?.code, state) {
        case (nil, .asked):
            state = .listing(deadline: now + Self.listingTimeout)
        case (.overLimit, .asked):
            // The watch may be on all the same, and the names follow (50311); or there is none (50310).
            isOverLimit = true
            state = .listing(deadline: now + Self.listingTimeout)
        case (.unsupported, .asked), (.invalidRequest, .asked):
            state = .unavailable(retryAt: now + Self.comparisonInterval)
            return true
        case (.some, .asked):
            state = .waiting(retryAt: now + .seconds(3))
            return error?.code == .forbidden
        case (.overLimit, _):
            isOverLimit = true
        default: break
        }
        return false
    }

    /// The server told names or their departure.
    /// - Returns: Those that are news.
    mutating func told(_ changes: [(key: String, isThere: Bool)]) -> [(key: Key, isThere: Bool)] {
        changes.compactMap { change in
            guard let key = Key(fuzzyKey: change.key, namespace: namespace) else { return nil }
            // A removal of an unknown name is no news.
            guard change.isThere else { return known.remove(key).map { ($0, false) } }
            guard known.count < limit || known.contains(key) else {
                isOverLimit = true
                return nil
            }
            known.insert(key)
            return (key, true)
        }
    }

    /// The list is at its end.
    /// - Returns: Whether a list was under way.
    mutating func finished(now: Duration) -> Bool {
        guard case .listing = state else { return false }
        state = .following(nextComparison: now + Self.comparisonInterval)
        return true
    }

    var isListing: Bool {
        switch state {
        case .asked, .listing: true
        default: false
        }
    }
}
