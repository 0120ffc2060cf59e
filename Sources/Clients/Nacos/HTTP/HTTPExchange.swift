internal import AsyncHTTPClient
internal import JSON
internal import NIOCore
internal import NIOHTTP1
internal import Text

/// One request to the HTTP API of a server.
struct HTTPRequest: Sendable {
    var method = HTTPMethod.GET
    /// Below the context path, such as `/v1/ns/service/list`.
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    /// The form in the body; empty for no body.
    var form: [(name: String, value: String)] = []

    static func encoded(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\($0.name)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }
}

struct HTTPAnswer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: ByteBuffer

    var text: String { String(buffer: body) }

    func json() throws(NacosError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: body.readableBytesView)
        } catch {
            throw NacosError(.malformedReply, "the answer can't be read: \(error)", cause: error)
        }
    }
}

/// Sends requests to the HTTP API of servers.
struct HTTPExchange: Sendable {
    private let pool: HTTPPool
    private let scheme: String
    private let contextPath: String
    private let replyLimit: Int

    /// - Throws: `NacosError` with `configuration` for files of TLS that can't be used. It blocks on them.
    init(_ configuration: NacosClient.Configuration, _ group: any EventLoopGroup) throws(NacosError) {
        var settings = HTTPClient.Configuration(
            tlsConfiguration: try configuration.tls?.makeConfiguration(), redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.requestTimeout)), decompression: .disabled)
        settings.httpVersion = .http1Only
        settings.connectionPool.retryConnectionEstablishment = false
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        settings.tracing.tracer = nil
        pool = HTTPPool(HTTPClient(eventLoopGroupProvider: .shared(group), configuration: settings))
        scheme = configuration.tls == nil ? "http" : "https"
        contextPath = configuration.contextPath == "/" ? "" : configuration.contextPath
        replyLimit = configuration.replyLimit
    }

    /// - Returns: The answer, when its status is 2xx.
    /// - Throws: `NacosError`, with the server's words for any other status.
    func send(
        _ request: HTTPRequest, to server: NacosServer, within limit: Duration
    ) async throws(NacosError) -> HTTPAnswer {
        let url = "\(scheme)://\(server.address)\(contextPath)\(request.path)"
        let answer = try await exchange(request, url, at: "\(server)", within: limit)
        guard (200..<300).contains(answer.status) else {
            throw NacosError(refusal: answer).about("\(request.method.rawValue) \(request.path)")
        }
        return answer
    }

    /// Asks another service than Nacos.
    func get(_ url: String, within limit: Duration) async throws(NacosError) -> HTTPAnswer {
        let answer = try await exchange(nil, url, at: url, within: limit)
        guard answer.status == 200 else {
            throw NacosError(.failed, "the address server answered with HTTP status \(answer.status)", subject: url)
        }
        return answer
    }

    private func exchange(
        _ request: HTTPRequest?, _ url: String, at place: String, within limit: Duration
    ) async throws(NacosError) -> HTTPAnswer {
        let query = HTTPRequest.encoded(request?.query ?? [])
        var prepared = HTTPClientRequest(url: query.isEmpty ? url : "\(url)?\(query)")
        prepared.method = request?.method ?? .GET
        prepared.headers.add(name: "User-Agent", value: "Isthmus-Swift:v1")
        for header in request?.headers ?? [] { prepared.headers.add(name: header.name, value: header.value) }
        if let form = request?.form, !form.isEmpty {
            prepared.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            prepared.body = .bytes(ByteBuffer(string: HTTPRequest.encoded(form)))
        }
        do {
            // The HTTP client's timeout ends at the headers, and a body may stall too.
            return try await deadline(limit) { [prepared, replyLimit, pool] in
                let response = try await pool.http.execute(prepared, deadline: .distantFuture)
                var body = ByteBuffer()
                for try await var chunk in response.body {
                    guard body.readableBytes + chunk.readableBytes <= replyLimit else {
                        throw NacosError(.replyTooLarge)
                    }
                    body.writeBuffer(&chunk)
                }
                return HTTPAnswer(status: Int(response.status.code), headers: response.headers, body: body)
            }
        } catch let error as NacosError {
            throw error.about(place)
        } catch is CancellationError {
            throw NacosError(.cancelled, subject: place)
        } catch {
            throw NacosError(.disconnected, explain(error), subject: place, cause: error)
        }
    }

    private func deadline<Value: Sendable>(
        _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask(operation: operation)
            group.addTask {
                try await Task.sleep(for: limit)
                throw NacosError(.timedOut)
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

extension NacosError {
    /// Reads an answer with another status than 2xx. Its body is a text, or JSON with `message`.
    init(refusal answer: HTTPAnswer) {
        let words = (try? answer.json()["message"]?.string) ?? answer.text
        self.init(errorCode: Int64(answer.status), serverMessage: words)
        if code == .failed { message = "the server answered with HTTP status \(answer.status): '\(words.shortened)'" }
    }
}
