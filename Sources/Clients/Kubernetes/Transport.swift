internal import AsyncHTTPClient
internal import Concurrency
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import Text

/// Sends requests to the API server, with their addresses, credentials and time limits, and reads refusals.
struct Transport: Sendable {
    let options: KubernetesClient.Options
    let stopwatch: Stopwatch
    let root: String
    private let authority: String
    private let destination: String
    private let userAgent: String
    private let impersonation: [(name: String, value: String)]
    private let warnings: WarningLog
    private let access: Access

    init(
        _ configuration: ClusterConfiguration, userAgent: String, options: KubernetesClient.Options, logger: Logger,
        stopwatch: Stopwatch
    ) throws(KubernetesError) {
        let factory = try ConnectionFactory(configuration, options: options)
        self.options = options
        self.stopwatch = stopwatch
        self.userAgent = userAgent
        root = factory.server.root(naming: configuration.tlsServerName)
        authority = factory.server.authority
        destination = factory.destination
        impersonation = configuration.impersonation?.headers ?? []
        warnings = WarningLog(logger: logger)
        access = try Access(configuration, factory: factory, options: options, stopwatch: stopwatch, logger: logger)
    }

    func shutdown() async { await access.shutdown() }

    /// Sends the request and reads the whole reply.
    ///
    /// - Returns: the reply's body, when its status is 2xx.
    func reply(to request: APIRequest) async throws(KubernetesError) -> ByteBuffer {
        let reply = try await authorized(request) { (prepared, pools) async throws(KubernetesError) in
            try await exchange(request, prepared, on: pools.unary)
        }
        return reply.body
    }

    /// Opens a watch.
    ///
    /// - Returns: the reply, still to be read, when its status is 2xx.
    func open(_ request: APIRequest) async throws(KubernetesError) -> OpenReply {
        try await authorized(request) { (prepared, pools) async throws(KubernetesError) in
            try await opening(request, prepared, on: pools.watches)
        }
    }

    /// Attempts a request with the current credentials. It attempts the request once more when the server refuses the
    /// credentials, or the client refuses the server's certificate, and newer ones exist. A refused request was not
    /// carried out, so a write may be repeated too.
    private func authorized<Reply>(
        _ request: APIRequest,
        attempt: (HTTPClientRequest, ConnectionPools) async throws(KubernetesError) -> Reply
    ) async throws(KubernetesError) -> Reply {
        let pass = try await pass(for: request)
        do {
            return try await attempt(prepare(request, bearer: pass.bearer), pass.pools)
        } catch {
            let isRefused = error.code == .unauthorized || (error.code == .tlsFailed && !error.isOutcomeUnknown)
            guard isRefused, await access.renew(after: pass, error) else {
                throw error
            }
        }
        let renewed = try await self.pass(for: request)
        return try await attempt(prepare(request, bearer: renewed.bearer), renewed.pools)
    }

    private func pass(for request: APIRequest) async throws(KubernetesError) -> Access.Pass {
        do {
            return try await access.current()
        } catch {
            var error = error
            error.path = request.label
            throw error
        }
    }

    /// Keeps later requests off the pool's connections. When one connection is dead, the idle ones beside it are
    /// usually dead too, and would cost one timeout each.
    func retire(_ pool: ConnectionPool) async { await access.retire(pool) }

    private func prepare(_ request: APIRequest, bearer: String?) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: root + request.target)
        prepared.method = request.method
        prepared.headers.add(name: "Host", value: authority)
        prepared.headers.add(name: "User-Agent", value: userAgent)
        prepared.headers.add(name: "Accept", value: request.accept)
        if let bearer { prepared.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        for (name, value) in impersonation { prepared.headers.add(name: name, value: value) }
        if let contentType = request.contentType { prepared.headers.add(name: "Content-Type", value: contentType) }
        if let body = request.body { prepared.body = .bytes(ByteBuffer(bytes: body)) }
        return prepared
    }
}

/// A reply whose body is still to be read, and the pool that it uses.
struct OpenReply: Sendable {
    let body: HTTPClientResponse.Body
    let pool: ConnectionPool
}

extension Transport {
    private func exchange(
        _ request: APIRequest, _ prepared: HTTPClientRequest, on pool: ConnectionPool
    ) async throws(KubernetesError) -> HTTPReply {
        // The HTTP client's deadline ends at the headers, and a body may stall too.
        let outcome = await stopwatch.run(within: options.requestTimeout) {
            // The pool closes when nobody holds it, and is needed until the last byte.
            defer { withExtendedLifetime(pool) {} }
            let response = try await pool.http.execute(prepared, deadline: .distantFuture)
            return try await HTTPReply(collecting: response, upTo: options.maximumReplyBytes, for: request)
        }
        if outcome == nil {
            await retire(pool)
        }
        let reply = try unwrap(outcome, of: request)
        warnings.record(reply.headers, of: request)
        guard reply.isSuccess else { throw KubernetesError(refusal: reply, to: request) }
        return reply
    }

    private func opening(
        _ request: APIRequest, _ prepared: HTTPClientRequest, on pool: ConnectionPool
    ) async throws(KubernetesError) -> OpenReply {
        let response: HTTPClientResponse
        do {
            // Behind a proxy that buffers, the headers may come with the first event. The read timeout bounds the wait.
            response = try await pool.http.execute(prepared, deadline: .distantFuture)
        } catch {
            let failure = failure(error, of: request)
            if failure.code == .timedOut { await retire(pool) }
            throw failure
        }
        warnings.record(response.headers, of: request)
        if (200..<300).contains(response.status.code) { return OpenReply(body: response.body, pool: pool) }
        let outcome = await stopwatch.run(within: options.requestTimeout) {
            defer { withExtendedLifetime(pool) {} }
            return try await HTTPReply(collecting: response, upTo: options.maximumReplyBytes, for: request)
        }
        throw KubernetesError(refusal: try unwrap(outcome, of: request), to: request)
    }

    /// Translates a failure of the layers below.
    func failure(_ error: any Error, of request: APIRequest) -> KubernetesError {
        Task.isCancelled
            ? .cancelled(request) : KubernetesError(transport: error, request: request, server: destination)
    }

    private func unwrap(
        _ outcome: Result<HTTPReply, any Error>?, of request: APIRequest
    ) throws(KubernetesError) -> HTTPReply {
        // The body of a cancelled request may look complete.
        if Task.isCancelled { throw .cancelled(request) }
        switch outcome {
        case .success(let reply): return reply
        case .failure(let error): throw failure(error, of: request)
        case nil:
            throw KubernetesError(
                code: .timedOut, message: "no complete reply within \(options.requestTimeout.readable)",
                path: request.label,
                isOutcomeUnknown: request.isWrite)
        }
    }
}
