internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// An admission webhook of the test's own: an HTTPS server on 127.0.0.1 that a real API server asks before it writes.
///
/// It is asked for nothing until ``register(as:in:for:group:namespace:operations:failurePolicy:patience:)``.
public final class AdmissionWebhook: Sendable {
    /// Decides; it may take its time. An error makes the webhook fail (500), and what comes of that is a question of
    /// the ``FailurePolicy``.
    public typealias Handler = @Sendable (AdmissionRequest) async throws -> AdmissionDecision

    /// Whether it may change objects or only refuse them.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// It allows or denies, when everything else is decided.
        case validating = "Validating"
        /// It may change objects as well, before they are validated.
        case mutating = "Mutating"
    }

    /// The reaction of the API server to no answer, a late answer, or one that it does not understand.
    public enum FailurePolicy: String, Sendable, Hashable, CaseIterable {
        /// It refuses the request.
        case fail = "Fail"
        /// It goes on as if there were no webhook.
        case ignore = "Ignore"
    }

    struct State {
        var callCount = 0
        var requests: [AdmissionRequest] = []
        var probes: [String: Int] = [:]
        var registrations: [Registration] = []
        var registrationCount = 0
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopped = false
    }

    /// How many of the newest ``requests`` are kept.
    private static let requestLimit = 1_000

    let certificates: TestCertificates
    let state = Mutex(State())
    private let handler: Handler
    private let reservation: ReservedPort

    /// Where it listens on 127.0.0.1.
    public var port: Int { reservation.port }
    /// How often it was asked since the start; what
    /// ``register(as:in:for:group:namespace:operations:failurePolicy:patience:)`` does to see that it is asked doesn't
    /// count. A dry run does.
    public var callCount: Int { state.withLock { $0.callCount } }
    /// The newest thousand requests, oldest first.
    public var requests: [AdmissionRequest] { state.withLock { $0.requests } }

    /// Starts a webhook.
    ///
    /// - Throws: ``TestSupportError`` when `openssl` is missing or the webhook can't listen.
    public static func start(answering handler: @escaping Handler) async throws -> AdmissionWebhook {
        let webhook = AdmissionWebhook(
            handler: handler, certificates: try await TestCertificates.make(), reservation: try ReservedPort())
        try await webhook.listen()
        return webhook
    }

    /// Runs a body with a webhook of its own, and stops the webhook however the body ends.
    public static func withWebhook<Value>(
        answering handler: @escaping Handler, isolation: isolated (any Actor)? = #isolation,
        _ body: (AdmissionWebhook) async throws -> Value
    ) async throws -> Value {
        let webhook = try await start(answering: handler)
        return try await with(webhook, stop: { await $0.stop() }, isolation: isolation, body)
    }

    private init(handler: @escaping Handler, certificates: TestCertificates, reservation: ReservedPort) {
        self.handler = handler
        self.certificates = certificates
        self.reservation = reservation
    }

    /// Takes back its registrations, and listens no more.
    public func stop() async {
        for registration in state.withLock({ $0.registrations }) { try? await unregister(registration) }
        let (listener, connections) = state.withLock { state in
            state.isStopped = true
            return (state.listener.take(), Array(state.connections.values))
        }
        try? await listener?.close()
        for connection in connections { try? await connection.close() }
    }

    // MARK: Answering

    func answer(to path: String, _ body: ByteBuffer) async -> (status: HTTPResponseStatus, body: [UInt8]) {
        do {
            let request = try AdmissionRequest(review: body.readableBytesView)
            if path.hasPrefix(Registration.probePath) {
                state.withLock { $0.probes[path, default: 0] += 1 }
                return (.ok, AdmissionDecision.allow.review(uid: request.uid))
            }
            state.withLock { state in
                state.callCount += 1
                if state.requests.count == Self.requestLimit { state.requests.removeFirst() }
                state.requests.append(request)
            }
            return (.ok, try await handler(request).review(uid: request.uid))
        } catch {
            return (.internalServerError, Array("\(error)".utf8))
        }
    }

    // MARK: Listening

    private func listen() async throws {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.serverCertificate)
                .map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.serverKey, format: .pem)))
        configuration.applicationProtocols = ["http/1.1"]
        let tls = try NIOSSLContext(configuration: configuration)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try self.add(channel)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: tls))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(AdmissionWebhookHandler(webhook: self))
                }
            }
            .withBoundSocket(try reservation.listen()).get()
        state.withLock { $0.listener = listener }
    }

    private func add(_ channel: any Channel) throws {
        let id = ObjectIdentifier(channel)
        let isStopped = state.withLock { state in
            if !state.isStopped { state.connections[id] = channel }
            return state.isStopped
        }
        if isStopped { throw ChannelError.ioOnClosedChannel }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
    }
}
