internal import AsyncHTTPClient
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Sends requests to the API server: addresses, credentials, time limits, and the reading of refusals.
struct Transport: Sendable {
    let options: KubernetesClient.Options
    let stopwatch: Stopwatch
    private let root: String
    private let authority: String
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

    /// Attempts the request with the current credentials, and once more when they are refused, or the server's
    /// certificate is, and there are others by now. Such a request has done nothing, so that a write may be repeated,
    /// too.
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

    /// Has later requests avoid the pool's connections, which may lead nowhere. With one that never answers, the idle
    /// ones beside it are lost, too, and would cost a timeout each.
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

/// A reply whose body is still to come, and what it comes over.
struct OpenReply: Sendable {
    let body: HTTPClientResponse.Body
    let pool: ConnectionPool
}

extension Transport {
    private func exchange(
        _ request: APIRequest, _ prepared: HTTPClientRequest, on pool: ConnectionPool
    ) async throws(KubernetesError) -> HTTPReply {
        // The client's own deadline ends at the headers; a body may stall as well.
        let outcome = await stopwatch.run(within: options.requestTimeout) {
            // To the last byte: a pool closes when nobody holds it.
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
            // Its headers may take until the first event where a proxy buffers: the read timeout bounds them.
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

    /// Explains a failure of the layers below.
    func failure(_ error: any Error, of request: APIRequest) -> KubernetesError {
        Task.isCancelled
            ? .cancelled(request) : KubernetesError(transport: error, request: request, server: authority)
    }

    private func unwrap(
        _ outcome: Result<HTTPReply, any Error>?, of request: APIRequest
    ) throws(KubernetesError) -> HTTPReply {
        // A cancelled body may look like a complete one.
        if Task.isCancelled { throw .cancelled(request) }
        switch outcome {
        case .success(let reply): return reply
        case .failure(let error): throw failure(error, of: request)
        case nil:
            throw KubernetesError(
                code: .timedOut, message: "no complete reply within \(options.requestTimeout)", path: request.label,
                isOutcomeUnknown: request.isWrite)
        }
    }
}
