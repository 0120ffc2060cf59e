internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// Makes HTTP clients for one API server. Watches and other requests get clients of their own, so that a stalled
/// connection of one kind never delays the other kind.
struct ConnectionFactory: Sendable {
    let server: ServerURL
    private let tlsServerName: String?
    private let isInsecure: Bool
    private let options: KubernetesClient.Options

    /// - Throws: `KubernetesError` with `configuration`.
    init(_ configuration: ClusterConfiguration, options: KubernetesClient.Options) throws(KubernetesError) {
        server = try ServerURL(configuration.server)
        tlsServerName = configuration.tlsServerName
        isInsecure = configuration.insecureSkipTLSVerify
        self.options = options
        if let name = tlsServerName, (try? SocketAddress(ipAddress: name, port: 0)) != nil {
            throw KubernetesError(
                code: .configuration, message: "tls-server-name '\(name)' is an address, and must be a host name")
        }
    }

    /// The TLS configuration of connections; `nil` for a server without TLS.
    ///
    /// - Throws: `KubernetesError` with `configuration` when the certificates cannot be used.
    func tls(_ material: TLSMaterial) throws(KubernetesError) -> TLSConfiguration? {
        server.isTLS ? try material.tlsConfiguration(isInsecure: isInsecure) : nil
    }

    func unary(_ tls: TLSConfiguration?) -> ConnectionPool {
        make(tls, connections: options.maximumConnections, readTimeout: nil)
    }

    func watches(_ tls: TLSConfiguration?) -> ConnectionPool {
        make(tls, connections: options.maximumWatches, readTimeout: options.watchIdleTimeout)
    }

    /// - Parameters:
    ///   - connections: the number of connections. Further requests wait for one.
    ///   - readTimeout: how long a reply may be silent before it fails.
    private func make(_ tls: TLSConfiguration?, connections: Int, readTimeout: Duration?) -> ConnectionPool {
        var http = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(options.connectTimeout), read: readTimeout.map { TimeAmount($0) }),
            decompression: .disabled)
        // The HTTP client never abandons a dead HTTP/2 connection. A dead HTTP/1.1 connection costs one timeout.
        http.httpVersion = .http1Only
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // Callers do their own backoff, and must learn at once that the server is unreachable.
        http.connectionPool.retryConnectionEstablishment = false
        // The HTTP client would create spans even where nobody collects them.
        http.tracing.tracer = nil
        if let tlsServerName {
            // The URLs hold the name to verify. This maps the name to the server's host.
            http.dnsOverride = [tlsServerName: server.host]
        }
        return ConnectionPool(HTTPClient(configuration: http))
    }
}
