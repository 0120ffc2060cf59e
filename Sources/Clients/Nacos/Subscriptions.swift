internal import DequeModule

/// The services that the user follows, and how far each is asked for on the current connection.
struct Subscriptions<Completion> {
    struct Entry {
        enum State: Equatable {
            /// Not asked for on this connection.
            case waiting
            case asked
            case confirmed
        }

        var state = State.waiting
        /// Whether a server ever answered. Others are forgotten when they fail.
        var isEstablished = false
        /// Whether the resumption of this connection still counts on it.
        var isToBeResumed = false
        /// When the server built the newest answer of this connection, by its own clock.
        var builtAt: Int64 = 0
        var position: UInt64 = 0
        /// A digest of the newest answer of this connection.
        var digest: Int?
        var waiters: [Completion] = []
    }

    private(set) var entries: [ServiceKey: Entry] = [:]
    /// The services to ask for, in order. It may hold some that were asked for meanwhile.
    private var queue = Deque<ServiceKey>()
    private(set) var asked = 0
    /// The subscriptions of earlier connections that were not tried on this one yet.
    private var resumptions = 0
    private var isResuming = false
    /// No subscription is made again before this moment, since one failed. So a server that refuses all of them is
    /// asked for a few at a time.
    private var pausedUntil: Duration?

    var count: Int { entries.count }

    subscript(key: ServiceKey) -> Entry? { entries[key] }
}

// MARK: - The user's wishes

extension Subscriptions {
    /// - Returns: Whether to ask the server now. Else the request under way answers.
    mutating func add(_ key: ServiceKey, _ completion: Completion) -> Bool {
        entries[key, default: Entry()].waiters.append(completion)
        guard entries[key]?.state != .asked else { return false }
        ask(key)
        return true
    }

    /// - Returns: The entry, when there was one.
    mutating func remove(_ key: ServiceKey) -> Entry? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        if entry.state == .asked { asked -= 1 }
        if entry.isToBeResumed { resumptions -= 1 }
        return entry
    }
}

// MARK: - The connection

extension Subscriptions {
    mutating func connected() {
        queue = Deque(entries.keys)
        resumptions = queue.count
        isResuming = true
        for key in queue { entries[key]?.isToBeResumed = true }
    }

    /// - Parameter keeps: Whether the services are asked for again on the next connection.
    mutating func disconnected(keeps: Bool) {
        asked = 0
        queue = []
        pausedUntil = nil
        isResuming = false
        resumptions = 0
        entries = keeps ? entries.filter(\.value.isEstablished).mapValues { _ in Entry(isEstablished: true) } : [:]
    }

    /// The next service to ask for, while there is room.
    mutating func next(window: Int, now: Duration) -> ServiceKey? {
        if let pausedUntil {
            guard now >= pausedUntil else { return nil }
            self.pausedUntil = nil
        }
        guard asked < window else { return nil }
        while let key = queue.popFirst() {
            guard entries[key]?.state == .waiting else { continue }
            ask(key)
            return key
        }
        return nil
    }

    /// Whether the last subscription of earlier connections was tried. It is so once for each connection.
    mutating func finishResumption() -> Bool {
        guard isResuming, resumptions == 0 else { return false }
        isResuming = false
        return true
    }

    /// When `next` may have another service.
    var deadline: Duration? { queue.isEmpty ? nil : pausedUntil }

    private mutating func ask(_ key: ServiceKey) {
        entries[key]?.state = .asked
        asked += 1
    }
}

// MARK: - Answers and pushes

extension Subscriptions {
    /// Takes note of an answer.
    /// - Returns: Its position, those who wait for it, and whether it tells anything new.
    mutating func confirmed(
        _ key: ServiceKey, _ record: ServiceRecord, received position: UInt64
    ) -> (position: UInt64, waiters: [Completion], isNew: Bool) {
        guard entries[key] != nil else { return (position, [], false) }
        settle(key, .confirmed)
        entries[key]?.isEstablished = true
        let position = self.position(of: record, received: position)
        let isNew = position > entries[key]?.position ?? 0 && take(record, at: position)
        let waiters = entries[key]?.waiters ?? []
        entries[key]?.waiters = []
        return (position, waiters, isNew)
    }

    /// Takes note that the server was asked in vain. A service that no server ever answered for is forgotten.
    /// - Returns: Those who wait for the answer.
    mutating func failed(_ key: ServiceKey, retryAt: Duration) -> [Completion] {
        guard let entry = entries[key] else { return [] }
        settle(key, .waiting)
        entries[key]?.waiters = []
        if entry.isEstablished {
            queue.append(key)
            pausedUntil = max(pausedUntil ?? retryAt, retryAt)
        } else {
            _ = remove(key)
        }
        return entry.waiters
    }

    /// - Returns: Whether the push is of a service that is followed, and tells anything new.
    mutating func pushed(_ record: ServiceRecord, at position: UInt64) -> Bool {
        guard let entry = entries[record.info.key], record.isInOrder(after: entry.builtAt) else { return false }
        return take(record, at: position)
    }

    /// The place of an answer among the pushes of its service. An answer that was built before the newest push, and
    /// arrives after it, is older.
    func position(of record: ServiceRecord, received position: UInt64) -> UInt64 {
        guard let entry = entries[record.info.key], !record.isInOrder(after: entry.builtAt) else { return position }
        return max(entry.position, 1) - 1
    }

    private mutating func take(_ record: ServiceRecord, at position: UInt64) -> Bool {
        let digest = record.info.hashValue
        defer {
            entries[record.info.key]?.builtAt = record.builtAt
            entries[record.info.key]?.position = position
            entries[record.info.key]?.digest = digest
        }
        return entries[record.info.key]?.digest != digest
    }

    private mutating func settle(_ key: ServiceKey, _ state: Entry.State) {
        if entries[key]?.state == .asked { asked -= 1 }
        entries[key]?.state = state
        guard entries[key]?.isToBeResumed == true else { return }
        entries[key]?.isToBeResumed = false
        resumptions -= 1
    }
}

extension ServiceRecord {
    /// Whether the server did not build this before another answer. A server that tells no time is in order.
    func isInOrder(after other: Int64) -> Bool {
        builtAt == 0 || builtAt >= other
    }
}
