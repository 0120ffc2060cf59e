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
    private let token: ClusterConfiguration.Token?
    private let tokenFile: BearerToken?
    private let warnings: WarningLog
    private let logger: Logger
    private let unary: HTTPClient
    private let watches: HTTPClient

    init(
        _ configuration: ClusterConfiguration, userAgent: String, options: KubernetesClient.Options, logger: Logger,
        stopwatch: Stopwatch
    ) throws(KubernetesError) {
        let factory = try HTTPClientFactory(configuration, connectTimeout: options.connectTimeout)
        self.options = options
        self.stopwatch = stopwatch
        self.userAgent = userAgent
        self.logger = logger
        root = factory.server.root(naming: configuration.tlsServerName)
        authority = factory.server.authority
        token = configuration.token
        tokenFile =
            if case .file(let path) = configuration.token {
                BearerToken(path: path, stopwatch: stopwatch, logger: logger)
            } else {
                nil
            }
        warnings = WarningLog(logger: logger)
        unary = factory.make(connections: options.maximumConnections)
        watches = factory.make(connections: options.maximumWatches, readTimeout: options.watchIdleTimeout)
    }

    func shutdown() async {
        for client in [unary, watches] {
            do {
                try await client.shutdown()
            } catch let error as HTTPClientError where error == .alreadyShutdown {
                continue
            } catch {
                logger.warning("a connection did not close cleanly", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Sends the request and reads the whole reply.
    ///
    /// - Returns: the reply's body, when its status is 2xx.
    func reply(to request: APIRequest) async throws(KubernetesError) -> ByteBuffer {
        let reply = try await authorized(request) { (prepared) async throws(KubernetesError) in
            try await exchange(request, prepared)
        }
        return reply.body
    }

    /// Opens a watch.
    ///
    /// - Returns: the reply's body, still to be read, when its status is 2xx.
    func open(_ request: APIRequest) async throws(KubernetesError) -> HTTPClientResponse.Body {
        let opened = try await authorized(request) { (prepared) async throws(KubernetesError) in
            try await opening(request, prepared)
        }
        return opened.body
    }

    /// Attempts the request with the current token, and once more when the server refuses it but the token's file
    /// has another by now. A refused request has done nothing, so that a write may be repeated, too.
    private func authorized<Reply>(
        _ request: APIRequest,
        attempt: (HTTPClientRequest) async throws(KubernetesError) -> Reply
    ) async throws(KubernetesError) -> Reply {
        let bearer = try await bearer()
        do {
            return try await attempt(prepare(request, bearer: bearer))
        } catch {
            guard error.code == .unauthorized, let bearer, let tokenFile, await tokenFile.refresh(after: bearer) else {
                throw error
            }
        }
        return try await attempt(prepare(request, bearer: self.bearer()))
    }

    private func bearer() async throws(KubernetesError) -> String? {
        switch token {
        case .fixed(let secret): secret.value
        case .file: try await tokenFile?.current()
        case nil: nil
        }
    }

    private func prepare(_ request: APIRequest, bearer: String?) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: root + request.target)
        prepared.method = request.method
        prepared.headers.add(name: "Host", value: authority)
        prepared.headers.add(name: "User-Agent", value: userAgent)
        prepared.headers.add(name: "Accept", value: request.accept)
        if let bearer { prepared.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        if let contentType = request.contentType { prepared.headers.add(name: "Content-Type", value: contentType) }
        if let body = request.body { prepared.body = .bytes(ByteBuffer(bytes: body)) }
        return prepared
    }
}

extension Transport {
    private func exchange(
        _ request: APIRequest, _ prepared: HTTPClientRequest
    ) async throws(KubernetesError) -> HTTPReply {
        // The client's own deadline ends at the headers; a body may stall as well.
        let outcome = await stopwatch.run(within: options.requestTimeout) {
            let response = try await unary.execute(prepared, deadline: .distantFuture)
            return try await HTTPReply(collecting: response, upTo: options.maximumReplyBytes, for: request)
        }
        let reply = try unwrap(outcome, of: request)
        warnings.record(reply.headers, of: request)
        guard reply.isSuccess else { throw KubernetesError(refusal: reply, to: request) }
        return reply
    }

    private func opening(
        _ request: APIRequest, _ prepared: HTTPClientRequest
    ) async throws(KubernetesError) -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            // Its headers may take until the first event where a proxy buffers: the read timeout bounds them.
            response = try await watches.execute(prepared, deadline: .distantFuture)
        } catch {
            throw failure(error, of: request)
        }
        warnings.record(response.headers, of: request)
        if (200..<300).contains(response.status.code) { return response }
        let outcome = await stopwatch.run(within: options.requestTimeout) {
            try await HTTPReply(collecting: response, upTo: options.maximumReplyBytes, for: request)
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
