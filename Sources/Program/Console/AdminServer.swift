internal import Addressing
internal import HTTPTypes
internal import HummingbirdCore
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Status
internal import SystemPackage

/// Serves an `AdminEndpoint` over HTTP/1.1.
package struct AdminServer: ServiceLifecycle.Service {
    /// The server can't listen on its address.
    package struct Unavailable: Error, Sendable, Hashable, CustomStringConvertible {
        package var address: String
        package var reason: String

        package var description: String { "the admin endpoint can't listen on \(address): \(reason)" }
    }

    private static let maximumConnections = 64
    private static let maximumHeaderBytes = 16 << 10
    /// No request needs a body, and `curl` may send a small one all the same.
    private static let maximumBodyBytes = 4 << 10

    private let host: String
    private let port: Int
    private let endpoint: AdminEndpoint
    private let idleTimeout: Duration
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - port: The port; 0 for any free one.
    ///   - idleTimeout: A connection is closed when for this time it is silent, or a request's head does not end.
    ///   - onListening: Called with the port when the server listens.
    package init(
        host: String, port: Int, endpoint: AdminEndpoint, idleTimeout: Duration = .seconds(10), logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.endpoint = endpoint
        self.idleTimeout = idleTimeout
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the task is cancelled or a graceful shutdown is asked for.
    ///
    /// Returns early, and logs it, when the port is lost. Without free file descriptors it waits.
    ///
    /// - Throws: `Unavailable` when it can't listen at the start.
    package func run() async throws {
        do {
            try await server().run()
        } catch {
            if isStopping { return }
            throw Unavailable(address: address, reason: Self.explain(error))
        }
        if !isStopping { logger.error("admin endpoint ended", metadata: ["address": "\(address)"]) }
    }

    private var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private var address: String { "\(HostPort(host: host, port: port))" }

    private func server() -> any ServiceLifecycle.Service {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = Self.maximumHeaderBytes
        decoder.maxHeaderListSize = Self.maximumHeaderBytes
        decoder.maxHeaderFieldCount = 100
        let channel = HTTP1Channel(
            responder: { request, writer, _ in try await respond(to: request, writer) },
            configuration: .init(idleTimeout: TimeAmount(idleTimeout), httpDecoderConfiguration: decoder))
        return channel.server(
            configuration: ServerConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: quiet)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? port
                logger.info("admin endpoint listening", metadata: ["host": "\(host)", "port": "\(port)"])
                onListening(port)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    }

    private func respond(to request: Request, _ writer: consuming ResponseWriter) async throws {
        let body = Body(request.headers)
        var answer =
            body == .tooLarge
            ? .refusal(
                .contentTooLarge,
                "a request's body has at most \(Self.maximumBodyBytes) bytes, and its Content-Length says how many")
            : await endpoint.answer(to: request.head)
        answer.headers[.contentType] = "application/json"
        answer.headers[.cacheControl] = "no-store"
        if body != .none { answer.headers[.connection] = "close" }
        let bytes = ByteBuffer(bytes: try answer.body.encoded() + [UInt8(ascii: "\n")])
        answer.headers[.contentLength] = "\(bytes.readableBytes)"
        let head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        if request.method == .head {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: ResponseBody(byteBuffer: bytes))
        }
        // The body is left unread: reading it would mean to wait for its sender. So the connection ends.
        if body != .none { throw BodyLeftUnread() }
    }

    private enum Body {
        case none
        case small
        case tooLarge

        init(_ headers: HTTPFields) {
            let length = headers[.contentLength].map { Int($0) ?? .max } ?? 0
            let isTooLarge = headers[.transferEncoding] != nil || length > maximumBodyBytes
            self = isTooLarge ? .tooLarge : length == 0 ? .none : .small
        }
    }

    private struct BodyLeftUnread: Error {}

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "\(Errno(rawValue: error.errnoCode))"
        default: "\(error)"
        }
    }
}
