internal import Addressing
internal import Concurrency
package import Logging
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// A client of an etcd cluster of 3.4 or later, which reads and watches (API v3).
///
/// It keeps one connection to one of the servers. Requests fail while there is none. A watch ends with its connection.
package final class EtcdClient: Sendable {
    package enum Event: Sendable {
        case connected(server: String)
        /// The connection ended, or an attempt failed. The client goes on trying.
        case disconnected(reason: String)
    }

    private let configuration: Configuration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let stopwatch = Stopwatch(ContinuousClock())
    private let session = Mutex<EtcdSession?>(nil)

    package init(
        _ configuration: Configuration, eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "etcd", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.configuration = configuration
        eventLoop = eventLoopGroup.next()
        self.logger = logger
    }

    /// Keeps a connection until the task is cancelled.
    /// - Parameter report: Told of each connection and its end, in order.
    package func run(report: @escaping @Sendable (Event) async -> Void) async {
        var places = configuration.servers.shuffled().map { ServerPlace(server: $0) }
        while !Task.isCancelled, let next = places.indices.min(by: { places[$0].notBefore < places[$1].notBefore }) {
            let wait = places[next].notBefore - stopwatch.elapsed
            if wait > .zero { try? await stopwatch.sleep(for: wait) }
            if Task.isCancelled { break }
            let start = stopwatch.elapsed
            let (reason, wasConnected) = await connectAndServe(places[next].server, report)
            if Task.isCancelled { break }
            logger.debug("disconnected", metadata: ["server": "\(places[next].server)", "reason": "\(reason)"])
            await report(.disconnected(reason: "\(places[next].server): \(reason)"))
            places[next].failed(lasted: wasConnected ? stopwatch.elapsed - start : nil, now: stopwatch.elapsed)
        }
    }

    private func connectAndServe(
        _ server: HostPort, _ report: @Sendable (Event) async -> Void
    ) async -> (reason: String, wasConnected: Bool) {
        let session: EtcdSession
        do throws(EtcdError) {
            session = try await EtcdSession.open(server, configuration, on: eventLoop)
        } catch {
            return (error.message, false)
        }
        do throws(EtcdError) {
            // A member without a leader, or a user without rights, is told of before anything is read.
            try await probe(session)
        } catch {
            session.close()
            return (error.message, false)
        }
        self.session.withLock { $0 = session }
        await report(.connected(server: "\(server)"))
        let reason = await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepProbing(session) }
            let reason = await session.end()
            group.cancelAll()
            return reason
        }
        self.session.withLock { $0 = nil }
        return (reason, true)
    }

    /// A connection without an answer, or to a member without a leader, is given up.
    private func keepProbing(_ session: EtcdSession) async {
        while !Task.isCancelled {
            do { try await stopwatch.sleep(for: configuration.probeInterval) } catch { return }
            do throws(EtcdError) {
                try await probe(session)
            } catch  where error.code == .cancelled {
                return
            } catch {
                session.close(error.message)
                return
            }
        }
    }

    private func probe(_ session: EtcdSession) async throws(EtcdError) {
        let request = RangeRequest(range: configuration.probeRange, limit: 1, countsOnly: true)
        _ = try await session.call(EtcdSession.Path.range, request.bytes)
    }
}

// MARK: - Requests

extension EtcdClient {
    private func currentSession() throws(EtcdError) -> EtcdSession {
        guard let session = session.withLock({ $0 }) else { throw EtcdError(.disconnected) }
        return session
    }

    /// Reads all keys of a range as they were at one moment, page by page.
    /// - Parameter revision: 0 for the newest.
    /// - Returns: The revision at which the keys were so.
    package func read(
        _ range: EtcdKeyRange, at revision: Int64 = 0, body: (EtcdKeyValue) -> Void
    ) async throws(EtcdError) -> Int64 {
        let session = try currentSession()
        var request = RangeRequest(range: range, revision: revision, limit: configuration.pageSize)
        var pinned = revision
        while true {
            let reply: [UInt8]
            do throws(EtcdError) {
                reply = try await session.call(EtcdSession.Path.range, request.bytes)
            } catch  where error.code == .replyTooLarge && request.limit > 1 {
                request.limit /= 2
                continue
            }
            let page = try RangeResponse(reply[...])
            if pinned == 0 { pinned = page.header.revision }
            for entry in page.entries { body(entry) }
            guard page.hasMore, let last = page.entries.last else { return pinned }
            request.range = range.after(last.key)
            request.revision = pinned
        }
    }

    /// Reads the first keys of a range.
    package func sample(
        _ range: EtcdKeyRange, limit: Int64
    ) async throws(EtcdError) -> (entries: [EtcdKeyValue], hasMore: Bool) {
        let reply = try await currentSession().call(
            EtcdSession.Path.range, RangeRequest(range: range, limit: limit).bytes)
        let page = try RangeResponse(reply[...])
        return (page.entries, page.hasMore)
    }

    /// Watches a range.
    /// - Parameters:
    ///   - revision: The first one that is told.
    ///   - onOutcome: Called on one event loop for all watches of the client, in order. It must not block.
    package func watch(
        _ range: EtcdKeyRange, from revision: Int64, onOutcome: @escaping @Sendable (EtcdWatchOutcome) -> Void
    ) async throws(EtcdError) -> EtcdWatch {
        try await currentSession().watch(
            WatchCreateRequest(range: range, startRevision: revision), onOutcome: onOutcome)
    }
}

/// A server, and when it is tried next.
private struct ServerPlace {
    var server: HostPort
    var notBefore = Duration.zero
    private var backoff = Backoff(from: .milliseconds(200), to: .seconds(10))

    /// A connection that lasted longer than this proves its server.
    private static let provingTime = Duration.seconds(10)

    init(server: HostPort) {
        self.server = server
    }

    /// - Parameter lasted: `nil` where there was no connection.
    mutating func failed(lasted: Duration?, now: Duration) {
        if let lasted, lasted > Self.provingTime { backoff.reset() }
        notBefore = now + backoff.next()
    }
}
