internal import Concurrency
internal import GRPC
package import Logging
package import NIOCore
internal import NIOPosix

/// A client of one namespace of a Nacos cluster, of 1.x to 3.x.
///
/// It keeps one connection to one server. Servers of 2.x and later bind what a client follows to its connection, and do
/// not say which namespace a push is of. So a program that follows two namespaces has two clients.
///
/// One task calls `run()`. Requests are `async` functions which any number of tasks may call; each ends within
/// `requestTimeout`. What is followed (`subscribe`, `watchServices`, `listen`) is followed again on each connection.
/// `events` tells what changes.
///
/// Servers of 1.x can't push: `subscribe` fails with `unsupported` and the watches tell nothing. `query` and
/// `allServices` ask them, and `listen` works.
package actor NacosClient {
    typealias Machine = NacosStateMachine<Completion>
    typealias Completion = CheckedContinuation<Result<NacosAnswer, NacosError>, Never>

    enum Lifecycle {
        case notStarted
        case running
        case stopped
    }

    /// The connection to a server of 2.x or later, from its opening to its end.
    struct Wire {
        let connection: GRPCConnection
        var stream: GRPCStream?
        var calls: [UInt64: GRPCStream] = [:]
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated let configuration: Configuration
    nonisolated let logger: Logger
    nonisolated let stopwatch: Stopwatch
    nonisolated let login: Login?
    private nonisolated let buffer = EventBuffer()

    var lifecycle = Lifecycle.notStarted
    var machine: Machine
    var schedule = ServerSchedule()
    var http: HTTPExchange?
    var credentials = CallCredentials()
    var wire: Wire?
    /// The connection to a server of 1.x.
    var http1: NacosConnection?
    /// Signals that what is listened to on a server of 1.x is another set now.
    nonisolated let listeningChanged = EventCount()
    /// Signals that a server refused the credentials of a request that nobody waits for.
    nonisolated let renewals = EventCount()
    /// Since when the connection is ready; `nil` while it is not.
    var readySince: Duration?
    /// Why the client closes the connection; `nil` when it does not.
    var closeReason: String?
    private var timer: Scheduled<Void>?
    /// When `timer` fires; `nil` while it is not set.
    private var timerDeadline: Duration?

    /// The actor runs on its event loop, so that the channels call it without a hop.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        eventLoop.executor.asUnownedSerialExecutor()
    }

    /// Creates a client, which does nothing until `run()` is called.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: The client takes one event loop of it for gRPC, and any for HTTP.
    ///   - logger: Logs at `debug`. Default: no logs.
    package init(
        _ configuration: Configuration, eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "nacos", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        eventLoop = eventLoopGroup.any()
        self.configuration = configuration
        self.logger = logger
        stopwatch = Stopwatch(ContinuousClock())
        login = Self.login(configuration, eventLoopGroup, stopwatch)
        machine = Machine(settings: Machine.Settings(configuration))
    }

    /// The events of the client, for one consumer. They begin with the first connection attempt.
    package nonisolated var events: NacosEvents { NacosEvents(buffer: buffer) }

    /// The connection that stands; `nil` while there is none.
    package var connection: NacosConnection? { http1 ?? machine.connection }

    func publish(_ event: NacosEvent) { buffer.append(event) }

    func finishEvents() { buffer.finish() }
}

extension NacosClient.Machine.Settings {
    fileprivate init(_ configuration: NacosClient.Configuration) {
        self.init()
        namespace = configuration.namespace
        requestTimeout = max(configuration.requestTimeout, .milliseconds(1))
        maximumOutstanding = max(configuration.maximumOutstandingRequests, 1)
        maximumSubscriptions = max(configuration.maximumSubscriptions, 1)
        redoWindow = max(configuration.redoWindow, 1)
        resubscribes = configuration.resubscribes
    }
}

// MARK: - The machine's actions

extension NacosClient {
    var now: Duration { stopwatch.elapsed }

    /// Lets the machine handle something, and carries out what it wants.
    func handle(_ event: (inout Machine, Duration) -> [Machine.Action]) {
        for action in event(&machine, now) { perform(action) }
        rearmTimer()
    }

    private func perform(_ action: Machine.Action) {
        switch action {
        case .call(let id, let request): call(id, request)
        case .abandon(let id): wire?.calls.removeValue(forKey: id)?.cancel()
        case .open(let request): openStream(request)
        case .send(let request): wire?.stream?.send(request.payload().bytes)
        case .complete(let completion, let result): completion.resume(returning: result)
        case .publish(let event):
            if case .connected(let connection) = event {
                readySince = now
                logger.debug(
                    "connected",
                    metadata: [
                        "server": "\(connection.server)", "version": "\(connection.version ?? "unknown")",
                        "namespace": "\(configuration.namespace)",
                    ])
            }
            publish(event)
        case .renewCredentials: renewals.signal()
        case .drop(let reason, let next):
            if let next { schedule.prefer(next) }
            close(reason)
        }
    }

    private func rearmTimer() {
        guard machine.deadline != timerDeadline else { return }
        timer?.cancel()
        timerDeadline = machine.deadline
        timer = timerDeadline.map { deadline in
            eventLoop.scheduleTask(in: TimeAmount(max(deadline - now, .zero))) {
                self.assumeIsolated { client in
                    client.timerDeadline = nil
                    client.handle { $0.timerFired(now: $1) }
                }
            }
        }
    }

    func stopTimer() {
        timer?.cancel()
        timer = nil
        timerDeadline = nil
    }
}
