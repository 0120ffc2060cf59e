internal import DequeModule

/// The configurations that the user listens to, each with the digest of the content that the user has.
struct ConfigListeners {
    /// The largest number of configurations in one request.
    static let batchSize = 3_000
    /// The whole list is sent again after this time, as Nacos' own client does.
    static let repetitionInterval = Duration.seconds(180)

    private(set) var digests: [ConfigKey: String] = [:]
    /// Those to send, in order. It may hold some that nobody listens to any more.
    private var queue = Deque<ConfigKey>()
    private var queued: Set<ConfigKey> = []
    private var pausedUntil: Duration?
    private var nextRepetition: Duration?

    var isEmpty: Bool { digests.isEmpty }

    mutating func listen(_ key: ConfigKey, md5: String) {
        digests[key] = md5
        enqueue(key)
    }

    /// - Returns: Whether somebody listened.
    mutating func remove(_ key: ConfigKey) -> Bool {
        digests.removeValue(forKey: key) != nil
    }

    mutating func connected(now: Duration) {
        for key in digests.keys { enqueue(key) }
        nextRepetition = now + Self.repetitionInterval
    }

    mutating func disconnected() {
        queue = []
        queued = []
        pausedUntil = nil
        nextRepetition = nil
    }

    mutating func failed(_ keys: [ConfigKey], retryAt: Duration) {
        for key in keys { enqueue(key) }
        pausedUntil = retryAt
    }

    var deadline: Duration? {
        let pause = queue.isEmpty ? nil : pausedUntil
        let repetition = digests.isEmpty ? nil : nextRepetition
        return [pause, repetition].compactMap { $0 }.min()
    }

    /// The next batch to send; empty where there is none.
    mutating func next(now: Duration) -> [(key: ConfigKey, md5: String)] {
        if let nextRepetition, now >= nextRepetition { connected(now: now) }
        if let pausedUntil {
            guard now >= pausedUntil else { return [] }
            self.pausedUntil = nil
        }
        var batch: [(key: ConfigKey, md5: String)] = []
        while batch.count < Self.batchSize, let key = queue.popFirst() {
            queued.remove(key)
            if let md5 = digests[key] { batch.append((key, md5)) }
        }
        return batch
    }

    private mutating func enqueue(_ key: ConfigKey) {
        if queued.insert(key).inserted { queue.append(key) }
    }
}
