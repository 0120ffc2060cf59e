internal import AsyncHTTPClient
package import JSON
package import NIOCore
package import NIOHTTP1
internal import NIOHTTPCompression
internal import Text

/// One request.
package struct HTTPRequest: Sendable {
    package typealias Pair = (name: String, value: String)

    package var method: HTTPMethod
    /// Behind the address of the server, already percent-encoded, such as `/v1/catalog/services`.
    package var path: String
    package var query: [Pair]
    package var headers: [Pair]
    /// The form in the body; empty for no body.
    package var form: [Pair]

    package init(
        method: HTTPMethod = .GET, path: String, query: [Pair] = [], headers: [Pair] = [], form: [Pair] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.form = form
    }

    package static func encoded(_ pairs: [Pair]) -> String {
        pairs.map { "\($0.name)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }
}

package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: Int, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var text: String { String(buffer: body) }

    /// - Throws: `HTTPFailure` with `malformedReply`.
    package func json() throws(HTTPFailure) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: body.readableBytesView)
        } catch {
            throw HTTPFailure(.malformedReply, "the answer can't be read: \(error)", cause: error)
        }
    }
}

/// Sends requests by HTTP/1.1, and keeps connections for the next ones.
package struct HTTPExchange: Sendable {
    package struct Settings: Sendable {
        /// `nil` for no TLS.
        package var tls: TLSOptions?
        package var connectTimeout = Duration.seconds(5)
        /// The longest body of an answer, in bytes, after decompression.
        package var replyLimit = 64 << 20
        /// To one server at once.
        package var connections = 32
        /// Whether answers may be compressed.
        package var takesGzip = false
        package var userAgent = "isthmus"
        /// Hosts that stand in URLs for others: the certificate of the other must have the name that the URL has.
        package var standIns: [String: String] = [:]

        package init() {}
    }

    private let pool: HTTPPool
    private let settings: Settings

    /// - Throws: `HTTPFailure` with `configuration` for files of TLS that can't be used. It blocks on them.
    package init(_ settings: Settings, _ group: any EventLoopGroup) throws(HTTPFailure) {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try settings.tls?.makeConfiguration(), redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(settings.connectTimeout)),
            decompression: settings.takesGzip ? .enabled(limit: .size(settings.replyLimit)) : .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.connections
        configuration.dnsOverride = settings.standIns
        configuration.tracing.tracer = nil
        pool = HTTPPool(HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration))
        self.settings = settings
    }

    /// - Parameters:
    ///   - server: `http://HOST:PORT`, with a path where the server has one.
    ///   - limit: For everything, from the connection to the end of the body.
    /// - Returns: The answer, whatever its status is.
    package func send(
        _ request: HTTPRequest, to server: String, within limit: Duration
    ) async throws(HTTPFailure) -> HTTPAnswer {
        let prepared = prepare(request, server)
        do {
            // The HTTP client's own timeout ends at the headers, and a body may stall too.
            return try await deadline(limit) { [pool, settings] in
                let response = try await pool.http.execute(prepared, deadline: .distantFuture)
                var body = ByteBuffer()
                for try await var chunk in response.body {
                    guard body.readableBytes + chunk.readableBytes <= settings.replyLimit else {
                        throw HTTPFailure(.replyTooLarge, "the answer is longer than \(settings.replyLimit) bytes")
                    }
                    body.writeBuffer(&chunk)
                }
                return HTTPAnswer(status: Int(response.status.code), headers: response.headers, body: body)
            }
        } catch {
            throw HTTPFailure(error)
        }
    }

    private func prepare(_ request: HTTPRequest, _ server: String) -> HTTPClientRequest {
        let query = HTTPRequest.encoded(request.query)
        var prepared = HTTPClientRequest(url: server + request.path + (query.isEmpty ? "" : "?\(query)"))
        prepared.method = request.method
        prepared.headers.add(name: "User-Agent", value: settings.userAgent)
        if settings.takesGzip { prepared.headers.add(name: "Accept-Encoding", value: "gzip") }
        for header in request.headers { prepared.headers.add(name: header.name, value: header.value) }
        if !request.form.isEmpty {
            prepared.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            prepared.body = .bytes(ByteBuffer(string: HTTPRequest.encoded(request.form)))
        }
        return prepared
    }

    private func deadline<Value: Sendable>(
        _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask(operation: operation)
            group.addTask {
                try await Task.sleep(for: limit)
                throw HTTPFailure(.timedOut, "no answer within \(limit.readable)")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}

/// An HTTP client that closes when its last user releases it.
private final class HTTPPool: Sendable {
    let http: HTTPClient

    init(_ http: HTTPClient) { self.http = http }

    deinit {
        // The HTTP client must live until its shutdown is complete.
        http.shutdown { [http] _ in withExtendedLifetime(http) {} }
    }
}
