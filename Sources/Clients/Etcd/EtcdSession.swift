internal import Addressing
internal import GRPC
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// One connection to one server, with the token that it gave.
final class EtcdSession: Sendable {
    enum Path {
        static let range = "/etcdserverpb.KV/Range"
        static let watch = "/etcdserverpb.Watch/Watch"
        static let authenticate = "/etcdserverpb.Auth/Authenticate"
    }

    let server: HostPort
    private let connection: GRPCConnection
    private let timeout: TimeAmount
    private let credentials: (@Sendable () async throws(EtcdError) -> (user: String, password: String))?
    private let token = Mutex<String?>(nil)
    private let closed: EventLoopPromise<String>

    private var eventLoop: any EventLoop { connection.channel.eventLoop }

    /// Connects and logs in.
    static func open(
        _ server: HostPort, _ configuration: EtcdClient.Configuration, on eventLoop: any EventLoop
    ) async throws(EtcdError) -> EtcdSession {
        let connection: GRPCConnection
        let closed = eventLoop.makePromise(of: String.self)
        do {
            var settings = GRPCConnection.Settings()
            settings.messageLimit = configuration.messageLimit
            settings.connectTimeout = TimeAmount(configuration.requestTimeout)
            let tls = try await context(configuration.tls, for: server.host)
            connection = try await GRPCConnection.connect(
                host: server.host, port: server.port, tls: tls, on: eventLoop, settings: settings
            ).map { connection in
                connection.observe { reason in
                    closed.succeed("the server goes away (\(reason))")
                    connection.channel.close(promise: nil)
                } onClose: { error in
                    closed.succeed(error.map { explain($0) } ?? "the server closed the connection")
                }
                return connection
            }.get()
        } catch {
            closed.succeed("")
            throw error as? EtcdError ?? EtcdError(.disconnected, explain(error))
        }
        let session = EtcdSession(server, connection, configuration, closed)
        do throws(EtcdError) {
            try await session.logIn()
        } catch {
            session.close()
            throw error
        }
        return session
    }

    /// Reading files blocks, so that it is left to another thread.
    private static func context(
        _ tls: EtcdClient.TLS?, for host: String
    ) async throws -> (context: NIOSSLContext, serverName: String?)? {
        guard let tls else { return nil }
        return (try await NIOThreadPool.singleton.runIfActive { try tls.makeContext() }, tls.name(for: host))
    }

    private init(
        _ server: HostPort, _ connection: GRPCConnection, _ configuration: EtcdClient.Configuration,
        _ closed: EventLoopPromise<String>
    ) {
        self.server = server
        self.connection = connection
        self.closed = closed
        timeout = TimeAmount(configuration.requestTimeout)
        guard let user = configuration.user else {
            credentials = nil
            return
        }
        let password = configuration.password
        credentials = { () async throws(EtcdError) in
            do {
                return (user, try await NIOThreadPool.singleton.runIfActive { try password() })
            } catch {
                throw EtcdError(.configuration, "the password can't be read: \(error)")
            }
        }
    }

    /// Waits for the end of the connection.
    /// - Returns: Why it ended.
    func end() async -> String {
        await withTaskCancellationHandler {
            (try? await closed.futureResult.get()) ?? ""
        } onCancel: {
            close()
        }
    }

    func close(_ reason: String = "the client was stopped") {
        closed.succeed(reason)
        connection.channel.close(promise: nil)
    }

    // MARK: Authentication

    private func logIn() async throws(EtcdError) {
        guard let credentials else { return }
        let (user, password) = try await credentials()
        do throws(EtcdError) {
            let request = AuthenticateMessage.request(user: user, password: password)
            let reply = try await send(Path.authenticate, request, metadata: [:])
            let token = try AuthenticateMessage.token(reply[...])
            self.token.withLock { $0 = token }
        } catch  where error.message.contains("authentication is not enabled") {
            // Everybody may read everything there.
            token.withLock { $0 = nil }
        }
    }

    private var metadata: [String: String] {
        // A member without a leader says so rather than nothing.
        var metadata = ["hasleader": "true"]
        metadata["token"] = token.withLock { $0 }
        return metadata
    }

    // MARK: Calls

    /// A request with one answer. A token that is not valid any more is renewed once.
    func call(_ path: String, _ message: [UInt8]) async throws(EtcdError) -> [UInt8] {
        do throws(EtcdError) {
            return try await send(path, message, metadata: metadata)
        } catch  where error.code == .invalidToken && credentials != nil {
            try await logIn()
            return try await send(path, message, metadata: metadata)
        }
    }

    private func send(
        _ path: String, _ message: [UInt8], metadata: [String: String]
    ) async throws(EtcdError) -> [UInt8] {
        let promise = eventLoop.makePromise(of: [UInt8].self)
        eventLoop.execute { [connection, timeout] in
            let answer = NIOLoopBoundBox<[UInt8]?>(nil, eventLoop: connection.channel.eventLoop)
            let stream = connection.call(path, message, metadata: metadata) { bytes in
                answer.value = Array(bytes.readableBytesView)
            } onEnd: { status in
                if status.code == .ok, let answer = answer.value {
                    promise.succeed(answer)
                } else {
                    promise.fail(status.code == .ok ? EtcdError(.malformedReply) : EtcdError(status))
                }
            }
            let bound = NIOLoopBound(stream, eventLoop: connection.channel.eventLoop)
            let alarm = connection.channel.eventLoop.scheduleTask(in: timeout) { promise.fail(EtcdError(.timedOut)) }
            promise.futureResult.whenComplete { _ in
                alarm.cancel()
                bound.value.cancel()
            }
        }
        do {
            return try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                promise.fail(EtcdError(.cancelled))
            }
        } catch {
            throw error as? EtcdError ?? EtcdError(.disconnected, explain(error))
        }
    }

    // MARK: Watches

    /// Watches a range.
    /// - Parameter onOutcome: Called on the event loop, after the watch was created.
    func watch(
        _ request: WatchCreateRequest, onOutcome: @escaping @Sendable (EtcdWatchOutcome) -> Void
    ) async throws(EtcdError) -> EtcdWatch {
        let created = eventLoop.makePromise(of: Void.self)
        let stream = eventLoop.submit { [connection, timeout, metadata] in
            let eventLoop = connection.channel.eventLoop
            let state = NIOLoopBoundBox(
                WatchState(startRevision: request.startRevision), eventLoop: eventLoop)
            let tell: @Sendable (EtcdWatchOutcome?) -> Void = { outcome in
                switch outcome {
                case nil: break
                case .created?: created.succeed()
                case .ended(let error)?:
                    created.fail(error)
                    onOutcome(.ended(error))
                case .changed(let events)?: onOutcome(.changed(events))
                }
            }
            let stream = connection.open(Path.watch, metadata: metadata) { bytes in
                do throws(EtcdError) {
                    tell(state.value.received(try WatchResponse(ArraySlice(bytes.readableBytesView))))
                } catch {
                    tell(state.value.closed(error))
                }
            } onEnd: { status in
                tell(
                    state.value.closed(
                        status.code == .ok ? EtcdError(.disconnected, "the server ended the watch") : EtcdError(status))
                )
            }
            stream.send(request.bytes)
            let alarm = eventLoop.scheduleTask(in: timeout) { created.fail(EtcdError(.timedOut)) }
            created.futureResult.whenComplete { _ in alarm.cancel() }
            return NIOLoopBound(stream, eventLoop: eventLoop)
        }
        do {
            let watch = EtcdWatch(stream: try await stream.get(), eventLoop: eventLoop)
            do {
                try await created.futureResult.get()
            } catch {
                watch.cancel()
                throw error
            }
            return watch
        } catch {
            created.fail(EtcdError(.disconnected))
            throw error as? EtcdError ?? EtcdError(.disconnected, explain(error))
        }
    }
}

/// A watch that stands.
package struct EtcdWatch: Sendable {
    fileprivate let stream: NIOLoopBound<GRPCStream>
    fileprivate let eventLoop: any EventLoop

    /// Ends it: nothing is told any more.
    package func cancel() {
        eventLoop.execute { stream.value.cancel() }
    }
}
