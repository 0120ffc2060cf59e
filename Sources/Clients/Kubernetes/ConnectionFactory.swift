internal import Addressing
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// Makes HTTP clients for one API server. Watches and other requests get clients of their own, so that a stalled
/// connection of one kind never delays the other kind.
struct ConnectionFactory: Sendable {
    let server: ServerURL
    private let tlsServerName: String?
    private let isInsecure: Bool
    private let proxy: ClusterConfiguration.Proxy?
    private let options: KubernetesClient.Options

    /// - Throws: `KubernetesError` with `configuration`.
    init(_ configuration: ClusterConfiguration, options: KubernetesClient.Options) throws(KubernetesError) {
        server = try ServerURL(configuration.server)
        tlsServerName = configuration.tlsServerName
        isInsecure = configuration.insecureSkipTLSVerify
        proxy = configuration.proxy
        self.options = options
        if let name = tlsServerName, IPAddress(name) != nil {
            throw KubernetesError(
                code: .configuration, message: "tls-server-name '\(name)' is an address, and must be a host name")
        }
        // The TLS library compares a certificate for an address with the address of the connection: the proxy's.
        if let proxy, server.isTLS, !isInsecure, tlsServerName == nil, IPAddress(server.host) != nil {
            throw KubernetesError(
                code: .configuration,
                message: "through the proxy \(proxy), the certificate of \(server.authority) cannot be verified for an "
                    + "address; set tls-server-name to a name in the certificate, such as kubernetes.default.svc, or "
                    + "exempt the server by NO_PROXY")
        }
    }

    /// The server, and the way to it, in the message of a failure to reach it.
    var destination: String {
        guard let proxy else { return server.authority }
        return "\(server.authority) through the proxy \(proxy)\(proxy.variable.map { " of \($0)" } ?? "")"
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
        http.proxy = proxy.map { .init($0) }
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

extension HTTPClient.Configuration.Proxy {
    fileprivate init(_ proxy: ClusterConfiguration.Proxy) {
        let (host, port) = (proxy.address.host, proxy.address.port)
        switch proxy.kind {
        case .http:
            self = .server(
                host: host, port: port,
                authorization: proxy.user.map { .basic(username: $0.name, password: $0.password.value) })
        case .socks5: self = .socksServer(host: host, port: port)
        }
    }
}
