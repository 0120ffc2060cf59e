internal import HTTPTypes
internal import HummingbirdCore
internal import JSON
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Serves an `AdminEndpoint` over HTTP/1.1.
package struct AdminServer: ServiceLifecycle.Service {
    /// The port can't be had.
    package struct Unavailable: Error, Sendable, Hashable, CustomStringConvertible {
        package var address: String
        package var reason: String

        package var description: String { "the admin endpoint can't listen on \(address): \(reason)" }
    }

    private static let maximumConnections = 64
    private static let maximumHeaderBytes = 16 << 10
    /// Nothing that is asked here has a body; whoever sends one may.
    private static let maximumBodyBytes = 4 << 10

    private let host: String
    private let port: Int
    private let endpoint: AdminEndpoint
    private let idleTimeout: Duration
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - port: 0 for one that is free.
    ///   - idleTimeout: After this time a client is left that says nothing, or never comes to the end of a request's head.
    ///   - onListening: Is told the port.
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
    /// Returns early, and says so in the log, when the port is lost; the want of file descriptors only lets it wait.
    ///
    /// - Throws: `Unavailable` when it can't listen to begin with.
    package func run() async throws {
        do {
            try await server().run()
        } catch {
            if isStopping { return }
            throw Unavailable(address: address, reason: Self.explain(error))
        }
        if !isStopping { logger.error("the admin endpoint has ended", metadata: ["address": "\(address)"]) }
    }

    private var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

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
                logger.info("the admin endpoint listens", metadata: ["host": "\(host)", "port": "\(port)"])
                onListening(port)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    }

    private func respond(to request: Request, _ writer: consuming ResponseWriter) async throws {
        let body = Body(request.headers)
        var answer =
            body == .tooLarge
            ? .refusal(.contentTooLarge, "a request may have \(Self.maximumBodyBytes) bytes, and must say how many")
            : await endpoint.answer(to: request.head)
        answer.headers[.contentType] = "application/json"
        answer.headers[.cacheControl] = "no-store"
        if body != .none { answer.headers[.connection] = "close" }
        let bytes = ByteBuffer(bytes: answer.body.bytes + [UInt8(ascii: "\n")])
        answer.headers[.contentLength] = "\(bytes.readableBytes)"
        let head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        if request.method == .head {
            try await writer.writeResponse(head)
        } else {
            try await writer.write(response: head, body: ResponseBody(byteBuffer: bytes))
        }
        // To read a body for the sake of the connection is to wait for whoever sends it.
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
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "\(error)"
        }
    }
}
