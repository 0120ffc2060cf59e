internal import JSON

/// The client's side of one connection after another to servers of 2.x and later, without any I/O.
///
/// Messages and the time go in, actions come out. The machine remembers what the user follows, and asks for it again on
/// each connection, since a server keeps nothing across connections.
///
/// The order of a connection is `ServerCheckRequest`, then the stream with `ConnectionSetupRequest`, then
/// `SetupAckRequest` where the server has it. A server that has none registers the connection some moments later: the
/// machine asks for its health until the server knows the connection.
struct NacosStateMachine<Completion> {
    struct Settings: Sendable {
        var namespace = "public"
        /// Shown by the server's console.
        var labels = ["source": "sdk", "module": "naming", "AppName": "isthmus"]
        var requestTimeout = Duration.seconds(3)
        var healthCheckInterval = Duration.seconds(5)
        /// From the connection to the end of the set-up.
        var setUpTimeout = Duration.seconds(8)
        /// The largest number of subscriptions that are made again at once.
        var redoWindow = 64
        /// Whether the next connection begins with the subscriptions of the last one.
        var resubscribes = true
        var maximumOutstanding = 4_096
        var maximumSubscriptions = 200_000
        /// The largest number of services or configurations that a fuzzy watch keeps.
        var maximumFuzzyKeys = 200_000
    }

    enum Action {
        case call(UInt64, NacosRequest)
        /// Nobody waits for the answer to a call any more.
        case abandon(UInt64)
        /// Opens the stream with its first message.
        case open(NacosRequest)
        case send(NacosRequest)
        case complete(Completion, Result<NacosAnswer, NacosError>)
        case publish(NacosEvent)
        /// The server refused the credentials.
        case renewCredentials
        /// - Parameter server: The address that the server names for the next connection.
        case drop(reason: String, next: String?)
    }

    enum Phase {
        case disconnected
        case checking(SettingUp)
        case awaitingAck(SettingUp)
        /// The server registers the connection without telling when it is done.
        case registering(SettingUp, retryAt: Duration?)
        case ready(NacosConnection)
        case dropping
    }

    struct SettingUp {
        var server: NacosServer
        var version: String?
        var deadline: Duration
    }

    /// What a call on the wire is for.
    enum Purpose {
        case serverCheck, registrationCheck, healthCheck
        case request(Completion)
        /// - Parameter key: The service that the answer is about.
        case query(ServiceKey, Completion)
        case subscription(ServiceKey)
        case unsubscription
        case serviceWatch, configWatch
        case listening([ConfigKey])
    }

    let settings: Settings
    var phase = Phase.disconnected
    /// The number of connections so far.
    var generation: UInt64 = 0
    /// The number of messages received so far.
    var position: UInt64 = 0
    var calls = PendingCalls<Purpose>()
    var lastCall: UInt64 = 0
    /// When the next health check is due; `nil` while one is under way.
    var nextHealthCheck: Duration?
    var unansweredHealthChecks = 0
    var subscriptions = Subscriptions<Completion>()
    var serviceWatch: FuzzyWatch<ServiceKey>?
    var configWatch: FuzzyWatch<ConfigKey>?
    var listeners = ConfigListeners()

    init(settings: Settings) {
        self.settings = settings
    }

    var connection: NacosConnection? {
        if case .ready(let connection) = phase { connection } else { nil }
    }

    /// Configurations of the public namespace have no namespace in requests: servers of every version read that.
    var configNamespace: String { settings.namespace == "public" ? "" : settings.namespace }
}

// MARK: - The connection

extension NacosStateMachine {
    /// A connection was opened.
    mutating func connectionOpened(_ server: NacosServer, version: String?, now: Duration) -> [Action] {
        phase = .checking(SettingUp(server: server, version: version, deadline: now + settings.setUpTimeout))
        unansweredHealthChecks = 0
        nextHealthCheck = nil
        return [call(.serverCheck, .serverCheck, now)]
    }

    /// The connection ended. Requests under way fail. What is followed is asked for again on the next connection.
    mutating func connectionClosed(reason: String, cause: (any Error)? = nil) -> [Action] {
        phase = .disconnected
        nextHealthCheck = nil
        var actions: [Action] = []
        let error = NacosError(.disconnected, "there is no connection: \(reason)", cause: cause)
        for purpose in calls.removeAll() { actions += failed(purpose, error, isConnected: false, now: .zero) }
        subscriptions.disconnected(keeps: settings.resubscribes)
        serviceWatch?.disconnected()
        configWatch?.disconnected()
        listeners.disconnected()
        return actions
    }

    /// Ends the connection. What arrives after this is ignored.
    mutating func drop(_ reason: String, next: String? = nil) -> [Action] {
        switch phase {
        case .disconnected, .dropping: return []
        default: break
        }
        phase = .dropping
        return [.drop(reason: reason, next: next)]
    }

    /// The set-up is complete.
    mutating func becomeReady(_ setUp: SettingUp, supportsFuzzyWatch: Bool, now: Duration) -> [Action] {
        generation += 1
        let connection = NacosConnection(
            generation: generation, server: setUp.server, kind: .grpc, version: setUp.version,
            supportsFuzzyWatch: supportsFuzzyWatch)
        phase = .ready(connection)
        nextHealthCheck = now + settings.healthCheckInterval
        subscriptions.connected()
        return [.publish(.connected(connection))] + followAgain(now)
    }

    mutating func call(_ purpose: Purpose, _ request: NacosRequest, _ now: Duration) -> Action {
        lastCall += 1
        calls.insert(purpose, id: lastCall, deadline: now + settings.requestTimeout)
        return .call(lastCall, request)
    }
}

/// What a request returns.
enum NacosAnswer: Sendable {
    case body(JSONValue)
    case service(ServiceUpdate)
}
