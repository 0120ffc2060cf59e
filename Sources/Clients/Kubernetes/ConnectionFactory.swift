internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// Makes HTTP clients for one API server. Requests of different urgency get clients of their own, so that a stalled
/// connection of one kind never holds up another.
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
                code: .configuration, message: "tls-server-name '\(name)' is an address; only host names are supported")
        }
    }

    /// What connections need of the certificates; `nil` for a server without TLS.
    ///
    /// - Throws: `KubernetesError` with `configuration` when they cannot be used.
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
    ///   - connections: how many may be open at once; further requests wait for one.
    ///   - readTimeout: how long a reply may stay silent before its connection is given up.
    private func make(_ tls: TLSConfiguration?, connections: Int, readTimeout: Duration?) -> ConnectionPool {
        var http = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(options.connectTimeout), read: readTimeout.map { TimeAmount($0) }),
            decompression: .disabled)
        // A black-holed HTTP/2 connection is never left; one of HTTP/1.1 costs a single timeout.
        http.httpVersion = .http1Only
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // Callers back off themselves, and want to know at once that the server is gone.
        http.connectionPool.retryConnectionEstablishment = false
        // It would make spans and their attributes even where nobody collects any.
        http.tracing.tracer = nil
        if let tlsServerName {
            // URLs name the host to verify; this says where it is.
            http.dnsOverride = [tlsServerName: server.host]
        }
        return ConnectionPool(HTTPClient(configuration: http))
    }
}
