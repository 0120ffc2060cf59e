package import JSON
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A Kubernetes API server in memory, on the loopback interface, for demonstrations and tests.
///
/// It speaks plain HTTP/1.1, well enough for `kubectl --server` and for any client that lists, watches and writes
/// custom resources. What is stored and what an answer says is the business of `ResourceStore`; this is its owner, who
/// serves it, wakes those who wait for a change, and makes requests fail on demand.
package actor APIServer {
    package struct Address: Sendable, Hashable {
        package let host: String
        package let port: Int

        /// Such as `http://127.0.0.1:40123`.
        package var url: String { "http://\(host):\(port)" }
    }

    /// The server's parts that don't change while it runs.
    struct Settings: Sendable {
        var port: Int
        var kinds: [ResourceStore.Kind]
        var bookmarkInterval: Duration
        var clock: any Clock<Duration>
        var now: @Sendable () -> Date
    }

    enum Lifecycle {
        case idle
        case serving(Address)
        case stopped
    }

    nonisolated let settings: Settings
    private var lifecycle = Lifecycle.idle { didSet { wakeWaiters() } }
    /// The objects that the server holds now.
    package private(set) var store: ResourceStore
    /// The requests so far.
    package private(set) var requestCounts = APIServerRequestCounts()
    private var faults = APIServerFaults()
    /// Counts how often all watches were closed.
    var watchEpoch = 0
    var waiters: [Int: Waiter] = [:]
    var nextWaiter = 0

    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - kinds: What is served. Leave one out to see what a client does without its CRD.
    ///   - namespaces: Those that exist from the start.
    ///   - historyLimit: How many changes a watch may lag behind, from 4 up.
    ///   - bookmarkInterval: The time between bookmarks on a watch that asked for them.
    ///   - clock: Measures the timeouts of watches, and the interval of bookmarks.
    ///   - now: The time that creation timestamps tell.
    package init(
        port: Int = 0, kinds: [ResourceStore.Kind] = .standard, namespaces: [String] = ["default", "kube-system"],
        historyLimit: Int = 4096, bookmarkInterval: Duration = .seconds(60),
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        settings = Settings(port: port, kinds: kinds, bookmarkInterval: bookmarkInterval, clock: clock, now: now)
        store = ResourceStore(
            kinds: kinds, namespaces: namespaces, historyLimit: historyLimit, now: now(),
            uid: { UUID().uuidString.lowercased() })
    }

    /// Where the server listens, once it does.
    ///
    /// - Throws: `APIServerStopped` when it stopped, or could not listen; `CancellationError`.
    package var address: Address {
        get async throws {
            while true {
                switch lifecycle {
                case .serving(let address): return address
                case .stopped: throw APIServerStopped()
                case .idle: try await wait(for: .lifecycle)
                }
            }
        }
    }

    /// Serves until the task is cancelled, and then returns. It owns the socket and every connection.
    ///
    /// - Throws: When the port cannot be had.
    package func run() async throws {
        let sockets = APIServerSockets()
        defer {
            sockets.closeAll()
            lifecycle = .stopped
        }
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Until its task has taken the connection over, nothing reads what arrives.
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: settings.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try sockets.add(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: true)
                    return channel
                }
            }
        let port = listener.channel.localAddress?.port ?? settings.port
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                lifecycle = .serving(Address(host: "127.0.0.1", port: port))
                do {
                    for try await channel in connections {
                        group.addTask { await APIServerConnection(server: self, socket: channel).run() }
                    }
                } catch is CancellationError {
                    return
                }
            }
        }
    }

    /// Carries out a request as if it had come over the wire. It isn't counted, and no fault stops it.
    ///
    /// - Throws: `APIServerStatus` when the request is refused.
    @discardableResult
    package func perform(_ request: ResourceStore.Request) throws(APIServerStatus) -> ResourceStore.Reply {
        let revision = store.revision
        defer { if store.revision != revision { wakeWaiters() } }
        return try store.handle(request, now: settings.now())
    }

    /// Makes the next `times` requests that `isMeant` accepts go wrong. Several faults may be to come; the one that was
    /// injected first counts.
    package func inject(
        _ fault: APIServerFault, times: Int = 1,
        where isMeant: @escaping @Sendable (APIServerRequest) -> Bool = { _ in true }
    ) {
        faults.add(fault, times: times, where: isMeant)
    }

    package func removeFaults() {
        faults.removeAll()
    }

    /// Has each custom resource that is written from now on changed first, as by a mutating admission webhook.
    package func admit(by webhook: (@Sendable (inout JSONObject) -> Void)?) {
        store.webhook = webhook
    }

    /// Ends every open watch in an orderly way, as a server does that restarts.
    package func closeWatches() {
        watchEpoch += 1
        wakeWaiters()
    }

    /// Forgets the history: open watches, and all that start from a resource version known so far, get 410 Expired, and
    /// so does the next page of a list.
    package func expireHistory() {
        store.expireHistory()
        wakeWaiters()
    }

    /// Counts the request, and says what shall go wrong with it, and to which epoch it belongs if it is a watch:
    /// whoever saw it counted can close it.
    func admit(_ request: APIServerRequest) -> (fault: APIServerFault?, watchEpoch: Int) {
        requestCounts.add(request)
        wakeWaiters()
        return (faults.take(for: request), watchEpoch)
    }

    /// The watch and what it has to tell next.
    func advance(
        _ watch: ResourceStore.Watch
    ) throws(APIServerStatus) -> (ResourceStore.Watch, [ResourceStore.Event]) {
        var watch = watch
        let events = try store.events(for: &watch)
        return (watch, events)
    }
}

/// The server that was to be asked no longer runs.
package struct APIServerStopped: Error, Sendable, CustomStringConvertible {
    package var description: String {
        "the API-server double is not running: it was stopped, or could not listen on its port"
    }
}

/// Runs an API-server double for as long as `body` takes.
///
/// - Throws: What `body` throws, and what `APIServer.run()` throws.
package func withAPIServer<Result: Sendable>(
    _ server: APIServer = APIServer(), _ body: @Sendable (APIServer) async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        let result: Result
        do {
            _ = try await server.address
            result = try await body(server)
        } catch is APIServerStopped {
            // Why it stopped is what the caller wants to know.
            try await group.next()
            throw APIServerStopped()
        }
        group.cancelAll()
        try await group.waitForAll()
        return result
    }
}
