internal import Concurrency
package import Logging
internal import Notices
internal import Synchronization
internal import Text

/// Follows a configuration centre by a reader: a full read on each connection and now and then, single reads on changes.
package struct ConfigurationFollower: ConfigurationSource {
    package static let standardInterval = Duration.seconds(300)

    package let name: String
    private let reader: any ConfigurationReader
    private let interval: Duration
    private let clock: any Clock<Duration>
    private let logger: Logger

    package init(
        name: String, reader: any ConfigurationReader, interval: Duration = standardInterval,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.name = name
        self.reader = reader
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    package func run(emit: @escaping @Sendable (ConfigurationEvent) async -> Void) async {
        let work = Work(reader, DocumentFollowing(interval: interval), Stopwatch(clock), logger, emit)
        await withDiscardingTaskGroup { group in
            group.addTask { await reader.run { work.take($0) } }
            await work.run()
            group.cancelAll()
        }
    }
}

/// The owner of a `DocumentFollowing`: it reads, and emits what it read.
private final class Work: Sendable {
    private let reader: any ConfigurationReader
    private let following: Mutex<DocumentFollowing>
    private let changes = EventCount()
    private let stopwatch: Stopwatch
    private let failure = Mutex(Reminder())
    private let logger: Logger
    private let emit: @Sendable (ConfigurationEvent) async -> Void

    init(
        _ reader: any ConfigurationReader, _ following: DocumentFollowing, _ stopwatch: Stopwatch, _ logger: Logger,
        _ emit: @escaping @Sendable (ConfigurationEvent) async -> Void
    ) {
        self.reader = reader
        self.following = Mutex(following)
        self.stopwatch = stopwatch
        self.logger = logger
        self.emit = emit
    }

    func take(_ change: ConfigurationChange) {
        following.withLock { $0.take(change) }
        changes.signal()
    }

    func run() async {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        while !Task.isCancelled {
            let ticket = changes.ticket
            switch following.withLock({ $0.next(now: stopwatch.elapsed) }) {
            case .wait(nil):
                await changes.wait(after: ticket)
            case .wait(let time?):
                let delay = max(time - stopwatch.elapsed, .zero)
                _ = await stopwatch.run(within: delay) { [changes] in await changes.wait(after: ticket) }
            case .tellInterruption(let reason):
                await interrupted(reason)
            case .readEverything:
                await retrying(&backoff) { () async throws(ReadFailure) in try await self.readEverything() }
            case .read(let name):
                await retrying(&backoff) { () async throws(ReadFailure) in
                    if let event = try await self.read(name) { await self.emit(event) }
                }
            }
        }
    }

    private func retrying(_ backoff: inout Backoff, _ read: () async throws(ReadFailure) -> Void) async {
        do throws(ReadFailure) {
            try await read()
            backoff.reset()
        } catch {
            // The next connection begins with a full read.
            if error.cause == .disconnected || Task.isCancelled { return }
            let delay = backoff.next()
            following.withLock { $0.failed(retryAt: stopwatch.elapsed + delay) }
            await interrupted(error.reason)
        }
    }

    private func interrupted(_ reason: String) async {
        if failure.withLock({ $0.isDue(now: stopwatch.elapsed) }) {
            logger.warning(
                "configuration centre unreadable",
                metadata: ["reason": "\(reason)", "effect": "what was published last goes on"])
        }
        await emit(.interrupted(reason: reason))
    }

    /// Reads all documents. What a change of the connection outdates is dropped.
    private func readEverything() async throws(ReadFailure) {
        let generation = following.withLock { $0.generation }
        var documents: [String: DocumentReading] = [:]
        for name in try await reader.list().sorted() {
            switch try await read(name) {
            case .changed(_, let reading): documents[name] = reading
            default: break
            }
        }
        guard following.withLock({ $0.generation }) == generation else { return }
        if failure.withLock({ $0.end(now: stopwatch.elapsed) }) != nil {
            logger.notice("configuration centre readable again", metadata: ["documents": "\(documents.count)"])
        }
        logger.debug("configuration centre read", metadata: ["documents": "\(documents.count)"])
        await emit(.complete(documents))
    }

    /// - Returns: The document, or its removal.
    private func read(_ name: String) async throws(ReadFailure) -> ConfigurationEvent? {
        do throws(ReadFailure) {
            guard let text = try await reader.read(name) else { return .removed(name: name) }
            return .changed(name: name, .text(text))
        } catch {
            switch error.cause {
            // These are about this document only.
            case .refused, .lasting: return .changed(name: name, .unreadable(reason: error.reason))
            case .disconnected, .missing, .overloaded, .passing: throw error
            }
        }
    }
}
